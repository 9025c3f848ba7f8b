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
/** Which samples were withdrawn: their keys, and nothing else of them. */
export const PRIVATE_WITHDRAWN = 'withdrawn.jsonl';
/** A withdrawal that has begun; removed when it is done. */
export const WITHDRAWAL = 'withdrawal.json';
/** The key of source ids. */
export const SOURCE_ID_KEY = 'source-ids.key';
/** The key that the other files are encrypted to, itself encrypted to a passphrase or to somebody's key. */
export const FOLDER_KEY = 'key.age';

/** Folder of the work on clips. */
export const CLIP_WORK = 'clips';

/** A page for who owns the folder. */
export const REPORT = 'report.html';

/** What an encrypted file is called. */
const sealed = (name: string): string => `${name}.age`;
const bothNames = (names: readonly string[]): string[] => names.flatMap((name) => [name, sealed(name)]);

/** Every log that a private directory may have, encrypted or not. */
export const LEDGER_FILES: readonly string[] = bothNames(Object.values(LEDGER));
const KEY_FILES: readonly string[] = [FOLDER_KEY, ...bothNames([SOURCE_ID_KEY])];
/** What is written before anything has happened. */
const FIRST_FILES: readonly string[] = [...KEY_FILES, ...bothNames([PRIVATE_RUN])];
const WITHDRAWN_FILES: readonly string[] = bothNames([PRIVATE_WITHDRAWN, WITHDRAWAL]);

/** Every file of a private directory, keys and the map of sources first: without them the rest tells little. */
export const PRIVATE_FILES: readonly string[] = [
  ...new Set([...KEY_FILES, ...LEDGER_FILES, ...FIRST_FILES, ...WITHDRAWN_FILES, REPORT, CLIP_WORK]),
];

/** Also one that was being written. */
export function isPrivateFile(name: string): boolean {
  return PRIVATE_FILES.includes(finalName(name));
}

/** Says nothing of any sample. */
export function isFirstFile(name: string): boolean {
  return FIRST_FILES.includes(finalName(name));
}

/** A key that all parts of a run share: it is there before the first of them has begun. */
export function isKeyFile(name: string): boolean {
  return KEY_FILES.includes(finalName(name));
}

/** Tells that something was withdrawn, or is being. */
export function isWithdrawnFile(name: string): boolean {
  return WITHDRAWN_FILES.includes(finalName(name));
}

/** What a file is called that is being written, also by several processes at once. */
export function finalName(name: string): string {
  return name.replace(/(\.[0-9a-f]{8})?(\.tmp)+$/, '');
}

/** Path of a file of a private directory. */
export function privatePath(folder: string, name: string, isSealed: boolean): string {
  return join(folder, isSealed ? sealed(name) : name);
}
