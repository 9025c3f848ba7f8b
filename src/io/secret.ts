import { readFile } from 'node:fs/promises';
import { UsageError } from '../errors.ts';

/** Holds a passphrase where no file is named. */
const VARIABLE = 'ANONYMIZE_PRIVATE_PASSPHRASE';

/** What opens an encrypted private directory. Never told to anybody. */
export type Secret =
  | { readonly kind: 'passphrase'; readonly passphrase: string; readonly from: string }
  /** A key of the age program, `AGE-SECRET-KEY-1…`. */
  | { readonly kind: 'identity'; readonly identity: string; readonly from: string };

export interface SecretOptions {
  /** File of one line. */
  readonly privatePassphraseFile?: string | undefined;
  /** Identity file, as `age-keygen` writes it. */
  readonly privateKeyFile?: string | undefined;
}

/**
 * Reads the secret from where an option says, or from the environment.
 *
 * @returns undefined when there is none: the private directory is not encrypted then.
 * @throws UsageError for a file that cannot be read or holds something else.
 */
export async function readSecret(
  { privatePassphraseFile, privateKeyFile }: SecretOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Secret | undefined> {
  if (privatePassphraseFile !== undefined && privateKeyFile !== undefined) {
    throw new UsageError('Expected either --private-passphrase-file or --private-key-file but received both');
  }
  if (privateKeyFile !== undefined) {
    const from = `--private-key-file ${privateKeyFile}`;
    return { kind: 'identity', identity: await identityIn(await readText(privateKeyFile, from), from), from };
  }
  if (privatePassphraseFile !== undefined) {
    const from = `--private-passphrase-file ${privatePassphraseFile}`;
    return { kind: 'passphrase', passphrase: oneLine(await readText(privatePassphraseFile, from), from), from };
  }
  const given = environment[VARIABLE];
  if (given === undefined) return undefined;
  return { kind: 'passphrase', passphrase: oneLine(given, VARIABLE), from: VARIABLE };
}

/** Where it is from, for messages. */
export function describeSecret({ kind, from }: Secret): string {
  return `the ${kind === 'passphrase' ? 'passphrase' : 'key'} of ${from}`;
}

async function readText(path: string, from: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UsageError(`Expected a file of UTF-8 text for ${from} but it cannot be read (${code ?? 'not UTF-8'})`, {
      cause,
    });
  }
}

function oneLine(text: string, from: string): string {
  const line = text.replace(/\r?\n$/, '');
  if (line !== '' && !/[\r\n]/.test(line)) return line;
  throw new UsageError(
    `Expected a passphrase of one line in ${from} but received ${line === '' ? 'an empty one' : 'several lines'}`,
  );
}

async function identityIn(text: string, from: string): Promise<string> {
  const keys = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const [key = ''] = keys;
  const { identityToRecipient } = await import('age-encryption');
  const isKey = await identityToRecipient(key).then(
    () => true,
    () => false,
  );
  if (keys.length === 1 && isKey) return key;
  const what = keys.length === 1 ? 'something else' : `${keys.length} lines`;
  throw new UsageError(`Expected one key (AGE-SECRET-KEY-1…, as age-keygen writes it) in ${from} but received ${what}`);
}
