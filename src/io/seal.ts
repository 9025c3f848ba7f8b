import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { FOLDER_KEY } from './private-files.ts';
import { describeSecret, type Secret } from './secret.ts';

/**
 * Encrypts and decrypts the files of one private directory, in the age format (age-encryption.org/v1, C2SP): each text
 * becomes an armored age file of its own, so that they can be appended to one another and cut off again. All are
 * encrypted to a key of the directory, which lies there encrypted to a passphrase or to somebody's key.
 */
export interface Seal {
  /** The directory's key, encrypted, as an armored age file. */
  readonly folderKey: string;
  /** @returns an armored age file with its last newline. */
  seal(text: string): Promise<string>;
  /** @throws Error when it is not what was sealed, or was by another key. */
  open(armored: string): Promise<string>;
}

/** Only who has a secret waits for it. */
const age = () => import('age-encryption');

/** A seal with a new key. */
export async function createSeal(secret: Secret): Promise<Seal> {
  const { armor, Encrypter, generateX25519Identity, identityToRecipient } = await age();
  const identity = await generateX25519Identity();
  const encrypter = new Encrypter();
  if (secret.kind === 'passphrase') encrypter.setPassphrase(secret.passphrase);
  else encrypter.addRecipient(await identityToRecipient(secret.identity));
  return sealOf(identity, armor.encode(await encrypter.encrypt(identity)));
}

/**
 * The seal of a private directory that is there.
 *
 * @returns undefined when it is not encrypted.
 * @throws UsageError for a wrong secret, or none where one is needed.
 */
export async function openSeal(folder: string, secret: Secret | undefined): Promise<Seal | undefined> {
  const path = join(folder, FOLDER_KEY);
  const folderKey = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new UsageError(`Expected to read ${path} but received ${error.code}`, { cause: error });
  });
  if (folderKey === undefined) return undefined;
  if (secret === undefined) throw sealedError(folder);
  const { armor, Decrypter } = await age();
  const decrypter = new Decrypter();
  try {
    if (secret.kind === 'passphrase') decrypter.addPassphrase(secret.passphrase);
    else decrypter.addIdentity(secret.identity);
    return await sealOf(await decrypter.decrypt(armor.decode(folderKey), 'text'), folderKey);
  } catch (cause) {
    throw new UsageError(
      `Expected ${describeSecret(secret)} to open ${folder} but it does not: it is another one, or ${FOLDER_KEY} is damaged`,
      { cause },
    );
  }
}

/** The seal for a directory of a run that is about to be written to, as `openSeal`, or a new one. */
export async function sealFor(folder: string, secret: Secret | undefined, isThere: boolean): Promise<Seal | undefined> {
  if (!isThere) return secret && createSeal(secret);
  const seal = await openSeal(folder, secret);
  if (secret === undefined || seal !== undefined) return seal;
  throw new UsageError(
    `Expected no ${describeSecret(secret)}, since ${folder} of the earlier run is not encrypted; --overwrite replaces the earlier output`,
  );
}

export function sealedError(folder: string): UsageError {
  return new UsageError(
    `Expected --private-passphrase-file, --private-key-file or ANONYMIZE_PRIVATE_PASSPHRASE, since ${folder} is encrypted, but received none`,
  );
}

async function sealOf(identity: string, folderKey: string): Promise<Seal> {
  const { armor, Decrypter, Encrypter, identityToRecipient } = await age();
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(identity));
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return {
    folderKey,
    seal: async (text) => armor.encode(await encrypter.encrypt(text)),
    open: async (armored) => decrypter.decrypt(armor.decode(armored), 'text'),
  };
}
