import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { findFfmpeg } from '../../src/video/tools.ts';
import { ffmpeg, scratchFolder } from './clips.ts';

const folder = scratchFolder();
afterAll(folder.remove);

/** A program that answers `-version` as ffmpeg does. */
function fake(name: string, libavutil: number, minor = 78): string {
  const path = join(folder.path, name);
  const banner = `${name} version 3.4.8 Copyright (c) the FFmpeg developers\nlibavutil      ${libavutil}. ${minor}.100`;
  writeFileSync(path, `#!/bin/sh\necho '${banner}'\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('finding ffmpeg', () => {
  beforeEach(() => {
    vi.resetModules();
    vi.stubEnv('FFMPEG_PATH', '');
    vi.stubEnv('FFPROBE_PATH', '');
  });
  afterEach(() => vi.unstubAllEnvs());
  const find = async () => (await import('../../src/video/tools.ts')).findFfmpeg();

  it.skipIf(ffmpeg === undefined)('knows its version and encoders (needs ffmpeg)', async () => {
    const tools = await findFfmpeg();
    expect(tools.version).toMatch(/^[nN]?-?\d/);
    expect(tools.encoders).toContain('libx264');
  });

  it('says which variable names no program', async () => {
    vi.stubEnv('FFPROBE_PATH', join(folder.path, 'nothing'));
    await expect(find()).rejects.toThrow('Expected FFPROBE_PATH to name an ffprobe that runs');
  });

  it('says which version it needs', async () => {
    vi.stubEnv('FFMPEG_PATH', fake('ffmpeg', 55));
    await expect(find()).rejects.toThrow('Expected ffmpeg 4.0 or later but found 3.4.8');
  });

  it.each([
    [56, 14, 'showinfo'],
    [56, 24, 'showinfo=checksum=0'],
    [57, 17, 'showinfo=checksum=0'],
  ])('lets libavutil %d.%d sum up no pixels where it knows how', async (major, minor, showTimes) => {
    vi.stubEnv('FFMPEG_PATH', fake('ffmpeg', major, minor));
    vi.stubEnv('FFPROBE_PATH', fake('ffprobe', major, minor));
    expect(await find()).toMatchObject({ showTimes });
  });

  it('sets the run bit of a packaged program that came without', async () => {
    const programs = { ffmpeg: fake('packaged-ffmpeg', 57), ffprobe: fake('packaged-ffprobe', 57) };
    for (const path of Object.values(programs)) chmodSync(path, 0o644);
    vi.stubEnv('PATH', join(folder.path, 'empty'));
    vi.doMock('node:module', () => ({
      createRequire: () => (name: string) => ({ path: name.includes('ffmpeg-') ? programs.ffmpeg : programs.ffprobe }),
    }));
    const tools = await find();
    vi.doUnmock('node:module');
    expect(tools).toMatchObject({ ...programs, encoders: [] });
  });

  it('says what to do when there is none', async () => {
    vi.stubEnv('PATH', join(folder.path, 'empty'));
    vi.doMock('node:module', () => ({
      createRequire: () => () => {
        throw new Error('Cannot find module');
      },
    }));
    const error = await find().catch((reason: unknown) => reason);
    vi.doUnmock('node:module');
    expect(error).toMatchObject({ name: UsageError.name });
    expect((error as Error).message).toMatch(/^Expected ffmpeg on this machine for videos but found none: install it/);
    expect((error as Error).message).toMatch(/set FFMPEG_PATH; images need none$/);
  });
});
