import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, jsonLines, photograph, type Ran, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const FORMAT = ['--format', 'folder', '--quality', 'fast', '--workers', '1'];
const run = (out: string, ...args: string[]): Promise<Ran> =>
  anonymize(['in', '--out', out, ...FORMAT, ...args], { cwd: root });

/** Published images by name, without the logs. */
async function images(out: string): Promise<Map<string, Buffer>> {
  return new Map([...(await filesIn(at(out)))].filter(([name]) => !name.startsWith('_anonymize/')));
}

beforeAll(async () => {
  await write(at('in'), {
    'ann/a.jpg': await photograph(1, 480),
    'ann/b.jpg': await photograph(1, 480),
    'bob/c.jpg': await photograph(1, 480),
  });
});

describe('replacements', () => {
  it('each class has its own mode in one run, and the log says which', async () => {
    const ran = await run('modes', '--redact', 'face=synthetic,body=none,plate=synthetic,text=inpaint');
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining('body will NOT be redacted') });
    const records = await jsonLines(at('modes/_anonymize/redactions/00000.jsonl'));
    const modes = records.flatMap((r) => r.regions.map((x: { class: string; mode: string }) => `${x.class} ${x.mode}`));
    expect(modes).toContain('face synthetic');
    expect(modes.some((m) => m.startsWith('body'))).toBe(false);
    for (const region of records.flatMap((r) => r.regions)) {
      if (region.requested) expect(region).toMatchObject({ mode: 'blur', requested: 'synthetic' });
    }
    expect(await anonymize(['verify', 'modes'], { cwd: root })).toMatchObject({ code: 0 });
  });

  it('the same seed gives the same bytes with any number of workers, another seed other faces', async () => {
    const synthetic = ['--preset', 'faces', '--redact', 'synthetic'];
    await run('seed-0', ...synthetic);
    await run('seed-0-again', ...synthetic, '--workers', '2');
    await run('seed-1', ...synthetic, '--seed', '1');
    const [first, again, other] = await Promise.all(['seed-0', 'seed-0-again', 'seed-1'].map(images));
    expect(again).toEqual(first);
    expect(other?.get('ann/a.jpg')).not.toEqual(first?.get('ann/a.jpg'));
    // One photograph three times: every sample is somebody else.
    expect(first?.get('ann/b.jpg')).not.toEqual(first?.get('ann/a.jpg'));
  });

  it('stable pseudonyms give the images of a folder the same faces, and other folders others', async () => {
    await run('stable', '--preset', 'faces', '--redact', 'synthetic', '--pseudonyms', 'stable');
    const published = await images('stable');
    expect(published.get('ann/b.jpg')).toEqual(published.get('ann/a.jpg'));
    expect(published.get('bob/c.jpg')).not.toEqual(published.get('ann/a.jpg'));
  });

  it('an option that would do nothing is refused', async () => {
    expect(await run('never', '--redact', 'body=blur', '--body-fill', 'mannequin')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Expected --redact body=synthetic with --body-fill but received blur'),
    });
  });
});
