import type { Family } from '../../models/manifest.ts';
import type { Decode } from '../decoder.ts';
import { decodeCenternet } from './centernet.ts';
import { decodeDb } from './db.ts';
import { decodeHyperlpr } from './hyperlpr.ts';
import { decodePerClassBox } from './per-class-box.ts';
import { decodeSsd } from './ssd.ts';
import { decodeUltraface } from './ultraface.ts';
import { decodeYolox } from './yolox.ts';
import { decodeYunet } from './yunet.ts';

interface FamilyDecoder {
  readonly decode: Decode;
  /** Whether it reports an object more than once, so that non-maximum suppression must follow. */
  readonly repeats: boolean;
}

export const DECODERS: Readonly<Record<Family, FamilyDecoder>> = {
  ssd: { decode: decodeSsd, repeats: true },
  centernet: { decode: decodeCenternet, repeats: true },
  db: { decode: decodeDb, repeats: false },
  yunet: { decode: decodeYunet, repeats: true },
  ultraface: { decode: decodeUltraface, repeats: true },
  yolox: { decode: decodeYolox, repeats: true },
  hyperlpr: { decode: decodeHyperlpr, repeats: true },
  'per-class-box': { decode: decodePerClassBox, repeats: true },
};
