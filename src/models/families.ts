import type { ClassName } from '../core/types.ts';
import { ModelError } from '../errors.ts';
import type { Family, ModelInput } from './manifest.ts';
import type { TensorInfo } from './session.ts';

/** What is known of a family before a single file of it has been seen. */
interface FamilyTraits {
  readonly classes: readonly ClassName[];
  readonly input: Omit<ModelInput, 'size'> & { readonly longSide: number };
  readonly matches: (outputs: readonly TensorInfo[]) => boolean;
}

/** The output of the networks that this project trains. */
export const PER_CLASS_BOX_OUTPUT = 'predictions';
/** What they find, in the order in which a row lists it. */
export const PER_CLASS_BOX_CLASSES = ['face', 'body', 'plate'] as const satisfies readonly ClassName[];

const IMAGENET_MEAN: [number, number, number] = [123.675, 116.28, 103.53];
const IMAGENET_STD: [number, number, number] = [58.395, 57.12, 57.375];
/** What most families take: pixels as they are, 0 to 255, at the top left of a picture with sides in multiples of 32. */
const PLAIN: Omit<ModelInput, 'size' | 'channels'> = {
  layout: 'nchw',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  pad: 0,
  align: 'top-left',
  multiple: 32,
};

function lastDim(info: TensorInfo | undefined): number | string | undefined {
  return info?.shape[info.shape.length - 1];
}

function named(outputs: readonly TensorInfo[], name: string): TensorInfo | undefined {
  return outputs.find((o) => o.name === name);
}

export const FAMILY_TRAITS: Readonly<Record<Family, FamilyTraits>> = {
  ssd: {
    classes: ['face'],
    input: { ...PLAIN, channels: 'rgb', mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5], longSide: 512 },
    matches: (o) => o.length === 2 && named(o, 'boxes')?.shape.length === 3 && named(o, 'scores')?.shape.length === 2,
  },
  centernet: {
    classes: ['body'],
    input: { ...PLAIN, channels: 'rgb', longSide: 512 },
    matches: (o) => named(o, 'tower_0/mul_1')?.shape[1] === 80 && named(o, 'tower_0/mul')?.shape[1] === 4,
  },
  db: {
    classes: ['text'],
    input: { ...PLAIN, channels: 'bgr', mean: IMAGENET_MEAN, std: IMAGENET_STD, longSide: 960 },
    matches: (o) => o.length === 1 && (o[0]?.shape.length === 4 ? o[0].shape[1] === 1 : o[0]?.shape.length === 2),
  },
  yunet: {
    classes: ['face'],
    input: { ...PLAIN, channels: 'bgr', longSide: 640 },
    matches: (o) => [8, 16, 32].every((s) => named(o, `cls_${s}`) && named(o, `obj_${s}`) && named(o, `bbox_${s}`)),
  },
  ultraface: {
    classes: ['face'],
    input: { ...PLAIN, channels: 'rgb', mean: [127, 127, 127], std: [128, 128, 128], pad: 127, longSide: 640 },
    matches: (o) => lastDim(named(o, 'scores')) === 2 && lastDim(named(o, 'boxes')) === 4,
  },
  yolox: {
    classes: ['body'],
    input: { ...PLAIN, channels: 'bgr', pad: 114, longSide: 640 },
    matches: (o) => o.length === 1 && o[0]?.shape.length === 3 && lastDim(o[0]) === 85,
  },
  hyperlpr: {
    classes: ['plate'],
    input: { ...PLAIN, channels: 'rgb', std: [255, 255, 255], align: 'center', longSide: 640 },
    matches: (o) =>
      o.length === 1 &&
      o[0]?.shape.length === 3 &&
      lastDim(o[0]) === 15 &&
      named(o, PER_CLASS_BOX_OUTPUT) === undefined,
  },
  'per-class-box': {
    classes: PER_CLASS_BOX_CLASSES,
    input: { ...PLAIN, channels: 'rgb', pad: 114, longSide: 640 },
    // A row is as long as one of HyperLPR, so the name must tell them apart.
    matches: (o) =>
      o.length === 1 &&
      named(o, PER_CLASS_BOX_OUTPUT)?.shape.length === 3 &&
      lastDim(o[0]) === 5 * PER_CLASS_BOX_CLASSES.length,
  },
};

/**
 * Recognises the family of an unknown file by the names and shapes of its outputs.
 * @throws ModelError listing the families that can be read.
 */
export function identifyFamily(name: string, outputs: readonly TensorInfo[]): Family {
  for (const [family, traits] of Object.entries(FAMILY_TRAITS)) {
    if (traits.matches(outputs)) return family as Family;
  }
  const got = outputs.map((o) => `${o.name}[${o.shape.join(',')}]`).join(' ');
  throw new ModelError(
    `Model ${name}: expected the outputs of a known family (${Object.keys(FAMILY_TRAITS).join(', ')}) but received ${got}`,
  );
}

/**
 * Input geometry of a file: its own fixed size where it has one, else the family's usual one.
 * @throws ModelError when the input is not one image with three channels in the family's layout.
 */
export function inputOf(name: string, family: Family, input: TensorInfo | undefined): ModelInput {
  const { longSide, ...format } = FAMILY_TRAITS[family].input;
  const [batch, a, b, c] = input?.shape ?? [];
  const [channels, height, width] = format.layout === 'nchw' ? [a, b, c] : [c, a, b];
  const fits = (length: number | string | undefined, wanted: number) => typeof length !== 'number' || length === wanted;
  if (!fits(batch, 1) || !fits(channels, 3)) {
    const expected = format.layout === 'nchw' ? '[1,3,H,W]' : '[1,H,W,3]';
    throw new ModelError(
      `Model ${name}: expected an input of ${expected} for ${family} but received [${input?.shape.join(',')}]`,
    );
  }
  const fixed = typeof height === 'number' && typeof width === 'number' && height > 0 && width > 0;
  return { ...format, size: fixed ? { width, height } : { longSide } };
}
