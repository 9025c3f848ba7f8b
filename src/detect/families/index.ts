import type { Family } from '../../models/manifest.ts';
import type { Decode } from '../decoder.ts';
import { decodeCenternet } from './centernet.ts';
import { decodeDb } from './db.ts';
import { decodeHyperlpr } from './hyperlpr.ts';
import { decodeSsd } from './ssd.ts';
import { decodeUltraface } from './ultraface.ts';
import { decodeYolox } from './yolox.ts';
import { decodeYunet } from './yunet.ts';

interface FamilyDecoder {
  readonly decode: Decode;
  /** IoU above which the weaker of two boxes is dropped; undefined when the family never repeats itself. */
  readonly nms?: number;
}

export const DECODERS: Readonly<Record<Family, FamilyDecoder>> = {
  ssd: { decode: decodeSsd, nms: 0.45 },
  centernet: { decode: decodeCenternet, nms: 0.6 },
  db: { decode: decodeDb },
  yunet: { decode: decodeYunet, nms: 0.45 },
  ultraface: { decode: decodeUltraface, nms: 0.45 },
  yolox: { decode: decodeYolox, nms: 0.6 },
  hyperlpr: { decode: decodeHyperlpr, nms: 0.45 },
};
