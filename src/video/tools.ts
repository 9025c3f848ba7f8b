import { execFile } from 'node:child_process';
import { accessSync, chmodSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { UsageError } from '../errors.ts';
import type { FfmpegTools } from './types.ts';

const execute = promisify(execFile);
const require = createRequire(import.meta.url);

type Program = 'ffmpeg' | 'ffprobe';

const VARIABLES: Readonly<Record<Program, string>> = { ffmpeg: 'FFMPEG_PATH', ffprobe: 'FFPROBE_PATH' };
const PACKAGES: Readonly<Record<Program, string>> = {
  ffmpeg: '@ffmpeg-installer/ffmpeg',
  ffprobe: '@ffprobe-installer/ffprobe',
};

/** libavutil of ffmpeg 4.0. Builds from between two releases have no other number that can be compared. */
const OLDEST_LIBAVUTIL = 56;
/** libavutil of ffmpeg 6.0, by which `-vsync` had become `-fps_mode`. */
const FPS_MODE_LIBAVUTIL = 58;
/** libavutil between ffmpeg 4.1 and 4.2, by which `showinfo` knew not to sum up all pixels, half a millisecond for 768 × 432. */
const NO_CHECKSUM_LIBAVUTIL = [56, 24] as const;

const ENCODERS = ['libx264', 'libvpx-vp9', 'libvpx'];

/** Longest that a program may take to say who it is. */
const START_MS = 30_000;

let found: Promise<FfmpegTools> | undefined;

/**
 * The ffmpeg and ffprobe to call: `$FFMPEG_PATH` and `$FFPROBE_PATH`, then PATH, then the optional npm packages
 * `@ffmpeg-installer/ffmpeg` and `@ffprobe-installer/ffprobe`. Both are started once to see that they run.
 *
 * Throws UsageError when there is none, one is too old, or a variable names something else.
 */
export function findFfmpeg(): Promise<FfmpegTools> {
  found ??= lookFor().catch((error: unknown) => {
    found = undefined;
    throw error;
  });
  return found;
}

async function lookFor(): Promise<FfmpegTools> {
  const ffmpeg = await locate('ffmpeg');
  const ffprobe = await locate('ffprobe');
  const { stdout } = await execute(ffmpeg.path, ['-hide_banner', '-encoders'], { timeout: START_MS });
  const listed = new Set([...stdout.matchAll(/^ [A-Z.]{6} (\S+)/gm)].map(([, name]) => name));
  return {
    ffmpeg: ffmpeg.path,
    ffprobe: ffprobe.path,
    version: ffmpeg.version,
    encoders: ENCODERS.filter((name) => listed.has(name)),
    showTimes: knowsNoChecksum(ffmpeg) ? 'showinfo=checksum=0' : 'showinfo',
    keepTimes: [ffmpeg.libavutil >= FPS_MODE_LIBAVUTIL ? '-fps_mode' : '-vsync', 'passthrough'],
  };
}

function knowsNoChecksum({ libavutil, libavutilMinor }: Located): boolean {
  const [major, minor] = NO_CHECKSUM_LIBAVUTIL;
  return libavutil > major || (libavutil === major && libavutilMinor >= minor);
}

interface Located {
  readonly path: string;
  readonly version: string;
  readonly libavutil: number;
  readonly libavutilMinor: number;
}

async function locate(program: Program): Promise<Located> {
  const variable = VARIABLES[program];
  const given = process.env[variable];
  if (given !== undefined && given !== '') {
    const named = await start(given);
    if (named === undefined) throw new UsageError(`Expected ${variable} to name an ${program} that runs`);
    return recent(named, program);
  }
  for (const candidate of [program, packaged(program)]) {
    const started = candidate === undefined ? undefined : await start(candidate);
    if (started !== undefined) return recent(started, program);
  }
  throw new UsageError(
    `Expected ${program} on this machine for videos but found none: install it (https://ffmpeg.org), or set ${variable}; images need none`,
  );
}

function recent(located: Located, program: Program): Located {
  if (located.libavutil >= OLDEST_LIBAVUTIL) return located;
  throw new UsageError(`Expected ${program} 4.0 or later but found ${located.version}`);
}

/** The program if it runs and says who it is. */
async function start(path: string): Promise<Located | undefined> {
  try {
    const { stdout } = await execute(path, ['-version'], { timeout: START_MS });
    const libavutil = /^libavutil\s+(\d+)\.\s*(\d+)\./m.exec(stdout);
    if (libavutil === null) return undefined;
    return {
      path,
      version: /^\w+ version ([\w.+-]{1,60})/.exec(stdout)?.[1] ?? 'unknown',
      libavutil: Number(libavutil[1]),
      libavutilMinor: Number(libavutil[2]),
    };
  } catch {
    return undefined;
  }
}

/** The file that an optional dependency ships for this platform. The run bit is set when no install script did. */
function packaged(program: Program): string | undefined {
  try {
    const { path } = require(PACKAGES[program]) as { path: string };
    try {
      accessSync(path, constants.X_OK);
    } catch {
      chmodSync(path, statSync(path).mode | 0o111);
    }
    return path;
  } catch {
    return undefined;
  }
}
