import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { OutputError, UsageError } from '../errors.ts';
import { asOutputError, makeFolder, sha256, withFile } from './atomic.ts';
import { LOG_FOLDER } from './run-log.ts';

export const LOCK_NAME = 'lock';
/** Says which process writes into an output folder, below that folder. */
export const LOCK_FILE = `${LOG_FOLDER}/${LOCK_NAME}`;
const BEAT_MS = 10_000;
/** A lock without a sign of life for so long is left over. */
const STALE_MS = 60_000;

/** The lock, or what is left of one that was being taken away. */
export function isLockName(name: string): boolean {
  return name === LOCK_NAME || name.startsWith(`${LOCK_NAME}.`);
}

interface Owner {
  readonly id: string;
  readonly pid: number;
  /** Hash of the machine and its start: neither its name nor anybody's is written. */
  readonly host: string;
  /** ISO 8601. */
  readonly since: string;
}

interface Found {
  readonly text: string;
  /** Undefined while the owner is still writing it. */
  readonly owner: Owner | undefined;
  readonly ageMs: number;
}

/** Ids of the locks that this process holds: in a container, a killed run and its successor have the same pid. */
const held = new Set<string>();

let host: string | undefined;

function thisHost(): string {
  if (host === undefined) {
    let boot = '';
    try {
      boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    } catch {
      // Elsewhere than on Linux the name of the machine must do.
    }
    host = sha256(`${hostname()} ${boot}`).slice(0, 12);
  }
  return host;
}

async function find(path: string): Promise<Found | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    const ageMs = Date.now() - (await stat(path)).mtimeMs;
    let owner: Owner | undefined;
    try {
      owner = JSON.parse(text) as Owner;
    } catch {
      owner = undefined;
    }
    return { text, owner, ageMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw asOutputError(path, error);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isStale({ owner, ageMs }: Found): boolean {
  if (ageMs > STALE_MS) return true;
  if (owner?.host !== thisHost()) return false;
  return owner.pid === process.pid ? !held.has(owner.id) : !isAlive(owner.pid);
}

function describe({ owner, ageMs }: Found): string {
  const seconds = (ms: number): string => `${Math.max(0, Math.round(ms / 1000))} s`;
  const who = owner === undefined ? 'a process' : `process ${owner.pid}`;
  const where = owner === undefined || owner.host === thisHost() ? '' : ' on another machine';
  const since = owner === undefined ? '' : ` for ${seconds(Date.now() - Date.parse(owner.since))}`;
  return `${who}${where} has been writing there${since}, with a sign of life ${seconds(ageMs)} ago`;
}

/**
 * Who is writing into the output folder now, in words; undefined when nobody is.
 * @param lockFile below the output folder; default that of the whole output.
 */
export async function describeWriter(out: string, lockFile = LOCK_FILE): Promise<string | undefined> {
  const found = await find(join(out, lockFile));
  return found === undefined || isStale(found) ? undefined : describe(found);
}

/** @throws UsageError when another run is writing into the folder, or into a part of it. */
export async function assertUnlocked(out: string, lockFile = LOCK_FILE): Promise<void> {
  const writer = await describeWriter(out, lockFile);
  if (writer !== undefined) throw inUse(out, writer);
}

function inUse(out: string, writer: string): UsageError {
  return new UsageError(`Expected no other run in ${out} but ${writer}`);
}

/**
 * Keeps a second run out of an output folder: a file that names its owner and is touched every ten
 * seconds. It is left over when its process is gone, or after a minute without a touch.
 */
export class OutputLock {
  readonly #path: string;
  readonly #id: string;
  readonly #beat: NodeJS.Timeout;
  #lost = false;

  /** @throws UsageError when another run holds it; OutputError. */
  static async acquire(out: string, lockFile = LOCK_FILE): Promise<OutputLock> {
    const path = join(out, lockFile);
    await makeFolder(dirname(path));
    const owner: Owner = { id: randomUUID(), pid: process.pid, host: thisHost(), since: new Date().toISOString() };
    held.add(owner.id);
    try {
      while (!(await create(path, owner))) {
        const found = await find(path);
        if (found === undefined) continue;
        if (!isStale(found)) throw inUse(out, describe(found));
        await takeAway(path, owner.id, found);
      }
    } catch (error) {
      held.delete(owner.id);
      throw error;
    }
    return new OutputLock(path, owner.id);
  }

  private constructor(path: string, id: string) {
    this.#path = path;
    this.#id = id;
    this.#beat = setInterval(() => void this.#touch(), BEAT_MS).unref();
  }

  /** True once another run has taken the lock: nothing in the folder is ours any more. */
  get lost(): boolean {
    return this.#lost;
  }

  /**
   * To be called before anything gets its final name.
   * @throws OutputError when another run has taken the lock, such as while this machine was asleep.
   */
  async assertHeld(): Promise<void> {
    this.#lost ||= (await find(this.#path))?.owner?.id !== this.#id;
    if (this.#lost) throw new OutputError(`Expected to hold ${this.#path} but it is gone or another run's`);
  }

  async #touch(): Promise<void> {
    const now = new Date();
    // Not touched when it is another's; a folder that is away for a moment is no reason to stop.
    await this.assertHeld()
      .then(() => utimes(this.#path, now, now))
      .catch(() => undefined);
  }

  async release(): Promise<void> {
    clearInterval(this.#beat);
    if (!this.#lost) await rm(this.#path, { force: true });
    held.delete(this.#id);
  }
}

/** False when there is a lock already. */
async function create(path: string, owner: Owner): Promise<boolean> {
  try {
    await withFile(path, 'wx', (handle) => handle.writeFile(JSON.stringify(owner)));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw asOutputError(path, error);
  }
}

/** Removes a lock that is left over, unless it is no longer the one that was found. */
async function takeAway(path: string, id: string, found: Found): Promise<void> {
  const aside = `${path}.${id}`;
  try {
    // Of two runs that do this at once, one gets the file.
    await rename(path, aside);
    if ((await readFile(aside, 'utf8')) === found.text) await rm(aside, { force: true });
    else await rename(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw asOutputError(path, error);
  }
}
