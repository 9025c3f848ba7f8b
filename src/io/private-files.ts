import { join } from 'node:path';

/** What each log of a private directory is called. Every line of them begins with the key of its sample. */
export const LEDGER = {
  sources: 'sources.jsonl',
  detections: 'detections.jsonl',
  quarantine: 'quarantine.jsonl',
} as const;
export type LedgerFile = keyof typeof LEDGER;

/** How the detections were made, for who redacts again. It may be there before anything has happened. */
export const PRIVATE_RUN = 'run.json';
/** The key of source ids. */
export const SOURCE_ID_KEY = 'source-ids.key';
/** The key that the other files are encrypted to, itself encrypted to a passphrase or to somebody's key. */
export const FOLDER_KEY = 'key.age';

/** What an encrypted file is called. */
const sealed = (name: string): string => `${name}.age`;
const bothNames = (names: readonly string[]): string[] => names.flatMap((name) => [name, sealed(name)]);

/** Every log that a private directory may have, encrypted or not. */
export const LEDGER_FILES: readonly string[] = bothNames(Object.values(LEDGER));
/** What is written before anything has happened. */
const FIRST_FILES: readonly string[] = [FOLDER_KEY, ...bothNames([SOURCE_ID_KEY, PRIVATE_RUN])];

/** Every file of a private directory, keys and the map of sources first: without them the rest tells little. */
export const PRIVATE_FILES: readonly string[] = [
  ...new Set([FOLDER_KEY, ...bothNames([SOURCE_ID_KEY]), ...LEDGER_FILES, ...FIRST_FILES]),
];

/** Also one that was being written. */
export function isPrivateFile(name: string): boolean {
  return PRIVATE_FILES.includes(finalName(name));
}

/** Says nothing of any sample. */
export function isFirstFile(name: string): boolean {
  return FIRST_FILES.includes(finalName(name));
}

function finalName(name: string): string {
  return name.replace(/\.tmp$/, '');
}

/** Path of a file of a private directory. */
export function privatePath(folder: string, name: string, isSealed: boolean): string {
  return join(folder, isSealed ? sealed(name) : name);
}
