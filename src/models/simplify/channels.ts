import { convolutionOf } from './convolution.ts';
import { type Rewriting, scalarOf } from './rewriting.ts';

const SAME_CHANNELS = ['Relu', 'Sigmoid', 'HardSigmoid', 'Clip', 'GlobalAveragePool'];
const BROADCASTING = ['Add', 'Mul'];
/** Values are looked at through at most this many nodes. */
const MAX_DEPTH = 64;

/** Number of channels of an NCHW value, as far as the nodes that lead to it tell. */
export function channelCount(
  rewriting: Rewriting,
  value: string | undefined,
  known = new Map<string, number | undefined>(),
  depth = MAX_DEPTH,
): number | undefined {
  const maker = rewriting.maker(value);
  if (value === undefined || maker === undefined || depth === 0) return undefined;
  if (known.has(value)) return known.get(value);
  const of = (input: string | undefined) => channelCount(rewriting, input, known, depth - 1);
  let count: number | undefined;
  if (SAME_CHANNELS.includes(maker.opType) || nearestScale(rewriting, value) !== undefined) count = of(maker.inputs[0]);
  else if (BROADCASTING.includes(maker.opType)) {
    const counts = maker.inputs.map((input) => (scalarOf(rewriting.floats(input)) === undefined ? of(input) : 1));
    // One that is not known may have more channels than what is known.
    if (counts.every((c) => c !== undefined)) count = Math.max(...counts);
  } else count = convolutionOf(rewriting, maker)?.outChannels;
  known.set(value, count);
  return count;
}

/** The whole factor by which `value` is enlarged in both directions by repeating pixels; undefined if it is not. */
export function nearestScale(rewriting: Rewriting, value: string): number | undefined {
  const node = rewriting.maker(value);
  if (node?.opType !== 'Resize' || node.inputs.length !== 3) return undefined;
  const { mode, coordinate_transformation_mode: coordinates, nearest_mode: nearest, ...others } = node.attributes;
  const says = (attribute: typeof mode, text: string) =>
    attribute !== undefined && 'string' in attribute && attribute.string === text;
  if (!says(mode, 'nearest') || !says(coordinates, 'asymmetric') || !says(nearest, 'floor')) return undefined;
  if (Object.keys(others).length > 0) return undefined;
  const [batch, channels, rows = 0, columns, ...more] = rewriting.floats(node.inputs[2])?.data ?? [];
  if (batch !== 1 || channels !== 1 || rows !== columns || more.length > 0) return undefined;
  return Number.isInteger(rows) && rows >= 1 ? rows : undefined;
}
