import { ModelError } from '../../../errors.ts';

/**
 * Appearance model of faces of nobody (Cootes, Edwards and Taylor, 2001): how the points of a frontal face vary, and
 * its texture once every face has the mean's shape. Lengths are pixels of the shape-free frame.
 *
 * Points are the 68 of iBUG 300-W, then an arc over the forehead, points on forehead and cheeks, and the two pupils
 * last.
 */
export interface FaceModel {
  /** Size of the frame. */
  readonly width: number;
  readonly height: number;
  /** How many points there are. */
  readonly points: number;
  /** [points, 2]: where the points lie in the frame. */
  readonly uv: Float32Array;
  /** [points, 3]: the mean frontal face, x right, y down, z towards the viewer. */
  readonly mean: Float32Array;
  /** [triangles, 3]: indices of points, clockwise on screen when seen from the front. */
  readonly triangles: Uint8Array;
  /** [expressions, 68, 2]: each number of an expression is the sum of these weights times the points of a frontal face. */
  readonly measures: Float32Array;
  /** [expressions, points, 2]: how the points move when that number grows by one. */
  readonly movements: Float32Array;
  readonly expressions: number;
  /** [modes, points, 2] */
  readonly shapeModes: Float32Array;
  readonly shapeModeCount: number;
  /** [height, width]: opacity, 0 outside the face. */
  readonly alpha: Uint8Array;
  /** Opaque places of the frame, in the order of the textures' brightness; then those of the halved frame. */
  readonly places: Uint32Array;
  readonly halfPlaces: Uint32Array;
  /** [places + 2 · halfPlaces]: brightness over that of the skin, then red and blue over brightness less those of the skin; mean. */
  readonly textureMean: Float32Array;
  /** [modes, places + 2 · halfPlaces] times `textureScales`. */
  readonly textureModes: Int8Array;
  readonly textureScales: Float32Array;
  /** [people, shape modes + texture modes] times `peopleScales`: the faces that the model was trained from. */
  readonly people: Int8Array;
  readonly peopleScales: Float32Array;
  readonly peopleCount: number;
  /** [people, 3]: colours of their skin, sRGB. */
  readonly tones: Uint8Array;
}

const MAGIC = 'FACEAAM1';
const LANDMARKS = 68;

/**
 * Reads `models/synthetic-face.bin`, little-endian: magic, eight uint16 (width, height, points, triangles, expressions,
 * shape modes, texture modes, people), then the arrays: float32 `uv`, `mean`, `measures`, `movements`, `shapeModes`,
 * `textureScales`, `peopleScales`, `textureMean`; bytes `triangles`, `alpha`, `tones`, `people`, `textureModes`.
 * @throws ModelError when the bytes are not such a file.
 */
export function parseFaceModel(bytes: Uint8Array): FaceModel {
  const magic = String.fromCharCode(...bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC || bytes.length < 24)
    throw new ModelError(`Expected a face model (${MAGIC}) but received ${JSON.stringify(magic)}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = Array.from({ length: 8 }, (_, i) => view.getUint16(MAGIC.length + 2 * i, true));
  const [width, height, points, triangleCount, expressions, shapeModeCount, textureModeCount, peopleCount] = header as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  let at = MAGIC.length + 16;
  const take = (length: number): Uint8Array<ArrayBuffer> => {
    // Not `slice`: that of a Buffer does not copy.
    const part = new Uint8Array(bytes.subarray(at, at + length));
    if (part.length !== length)
      throw new ModelError(`Expected a face model of at least ${at + length} bytes but received ${bytes.length}`);
    at += length;
    return part;
  };
  const floats = (length: number): Float32Array => {
    const from = at;
    take(4 * length);
    const values = Float32Array.from({ length }, (_, i) => view.getFloat32(from + 4 * i, true));
    if (!values.every(Number.isFinite)) throw new ModelError('Expected finite numbers in a face model');
    return values;
  };
  const modes = shapeModeCount + textureModeCount;
  // How long a texture is depends on the mask, which comes later: what is left over is textures.
  const before = {
    uv: floats(points * 2),
    mean: floats(points * 3),
    measures: floats(expressions * LANDMARKS * 2),
    movements: floats(expressions * points * 2),
    shapeModes: floats(shapeModeCount * points * 2),
    textureScales: floats(textureModeCount),
    peopleScales: floats(modes),
  };
  const rest = triangleCount * 3 + width * height + peopleCount * 3 + peopleCount * modes;
  const length = (bytes.length - at - rest) / (4 + textureModeCount);
  if (!Number.isInteger(length) || length <= 0)
    throw new ModelError(`Expected a whole face model but received ${bytes.length} bytes`);
  const textureMean = floats(length);
  const triangles = take(triangleCount * 3);
  const alpha = take(width * height);
  const tones = take(peopleCount * 3);
  const people = new Int8Array(take(peopleCount * modes).buffer);
  const textureModes = new Int8Array(take(length * textureModeCount).buffer);
  const places = placesOf(alpha);
  const halfPlaces = placesOf(halved(alpha, width, height));
  if (places.length + 2 * halfPlaces.length !== length) {
    throw new ModelError(`Expected textures of ${places.length + 2 * halfPlaces.length} values but received ${length}`);
  }
  if (!triangles.every((point) => point < points) || points < LANDMARKS + 2) {
    throw new ModelError(`Expected triangles between ${points} points`);
  }
  return {
    width,
    height,
    points,
    ...before,
    triangles,
    expressions,
    shapeModeCount,
    alpha,
    places,
    halfPlaces,
    textureMean,
    textureModes,
    people,
    peopleCount,
    tones,
  };
}

function placesOf(mask: Uint8Array): Uint32Array {
  const places: number[] = [];
  for (const [i, value] of mask.entries()) if (value > 0) places.push(i);
  return Uint32Array.from(places);
}

function halved(mask: Uint8Array, width: number, height: number): Uint8Array {
  const half = new Uint8Array((width / 2) * (height / 2));
  for (let i = 0; i < mask.length; i++) {
    if (mask[i]) half[((i / width) >> 1) * (width / 2) + ((i % width) >> 1)] = 1;
  }
  return half;
}
