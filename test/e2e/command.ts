import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll } from 'vitest';
import { filesIn } from '../fixtures/ioHelpers.ts';

const COMMAND = fileURLToPath(new URL('../../bin/anonymize.cjs', import.meta.url));
const PHOTOGRAPHS = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')),
  'demo',
);

export interface Ran {
  /** Exit status as a shell tells it: 128 and the signal's number when one ended the process. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A program and its arguments that start the command in another way, such as with a limit. */
  readonly through?: readonly string[];
  /** Another installation's command. */
  readonly command?: string;
  /** Called with the running process. */
  readonly started?: (child: ChildProcess) => void;
}

/** Runs the built command as a shell would; standard output and error are pipes. */
export function anonymize(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [program, ...rest] = [...(options.through ?? []), process.execPath, options.command ?? COMMAND, ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(program as string, rest, { cwd: options.cwd, env: { ...process.env, ...options.env } });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk) => stdout.push(chunk));
    child.stderr.on('data', (chunk) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (status, signal) => {
      const code = status ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
    options.started?.(child);
  });
}

export interface Piped {
  /** Exit status; null when a signal ended the process. */
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs the built command between two pipes; what it reads is written by `feed`. */
export function pipeThrough(
  args: readonly string[],
  feed: Buffer | ((child: ChildProcess) => void),
  options: Pick<RunOptions, 'cwd' | 'env'> = {},
): Promise<Piped> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...options.env };
    const child = spawn(process.execPath, [COMMAND, ...args], { cwd: options.cwd, env });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk) => stdout.push(chunk));
    child.stderr.on('data', (chunk) => stderr.push(chunk));
    // It may end before it has read everything.
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() });
    });
    if (typeof feed === 'function') feed(child);
    else child.stdin.end(feed);
  });
}

/** A module of the built package, typed as its source. */
export function built<T>(file: string): Promise<T> {
  return import(new URL(`../../dist/${file}`, import.meta.url).href) as Promise<T>;
}

/** A folder for the tests of one file, removed after the last of them. To be called outside hooks and tests. */
export async function sharedScratch(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'anonymize-e2e-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** One of the six photographs of people that face-api's package ships, 1…6, as a JPEG of this width. */
export async function photograph(number: number, width = 640): Promise<Buffer> {
  const file = await readFile(path.join(PHOTOGRAPHS, `sample${number}.jpg`));
  return sharp(file).resize(width).jpeg({ quality: 92 }).toBuffer();
}

/** Writes files by POSIX path below `folder`. */
export async function write(folder: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

/** All files below a folder as sorted POSIX paths; empty when there is no such folder. */
export async function listing(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Runs `until` and gathers every state of every file that shows up in a folder meanwhile. */
export async function watched<T>(folder: string, until: Promise<T>): Promise<{ result: T; seen: Map<string, Buffer> }> {
  const seen = new Map<string, Buffer>();
  let over = false;
  const result = until.finally(() => {
    over = true;
  });
  while (!over) {
    // A file may go while it is read.
    for (const [name, bytes] of await filesIn(folder).catch(() => new Map<string, Buffer>())) {
      seen.set(`${name} ${bytes.length}`, bytes);
    }
    await pause(10);
  }
  return { result: await result, seen };
}

/** Lines of a JSON-lines file. */
// biome-ignore lint/suspicious/noExplicitAny: tests read what they know to be there
export async function jsonLines(file: string): Promise<any[]> {
  const text = await readFile(file, 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

// biome-ignore lint/suspicious/noExplicitAny: tests read what they know to be there
export async function json(file: string): Promise<any> {
  return JSON.parse(await readFile(file, 'utf8'));
}
