import { ModelError } from '../../errors.ts';
import { shapeAttr, typeAttr } from './attributes.ts';
import { GraphBuilder } from './builder.ts';
import { isRecord } from './json.ts';
import { Lowering, NHWC_TO_NCHW } from './lowering.ts';
import { elementTypeNumber } from './onnx.ts';
import { type Emitter, failure, type Value } from './operation.ts';
import { ELEMENTWISE_OPS } from './ops-elementwise.ts';
import { REDUCE_OPS } from './ops-reduce.ts';
import { SHAPE_OPS } from './ops-shape.ts';
import { WINDOW_OPS } from './ops-window.ts';
import { type Cells, SIZE_STEP, sizeFailure, symbolicDim } from './size.ts';
import { dtypeOf, permute, shapeText } from './tensor.ts';
import { type GraphNode, nodesInOrder, parseTensorRef, parseTopology, type TensorRef } from './topology.ts';
import { readWeights, type Weights } from './weights.ts';

export interface GraphOptions {
  /** Tensors to return, by TensorFlow's names; nothing else is computed. */
  readonly outputs: readonly string[];
  /**
   * Makes height and width of the image input symbolic: any multiples of 32 pixels. Outputs that depend on them are
   * NCHW like the image. Operations that are not the same for all sizes are refused.
   */
  readonly dynamic?: boolean;
}

/** How each TensorFlow operator is written in ONNX. `Const` and `Placeholder` are not operators: see `compileGraph`. */
const EMITTERS: ReadonlyMap<string, Emitter> = new Map(
  Object.entries({ ...WINDOW_OPS, ...ELEMENTWISE_OPS, ...REDUCE_OPS, ...SHAPE_OPS }),
);

/** Operators that can do without a known height and width; they check the rest themselves. */
const SIZE_FREE: ReadonlySet<string> = new Set([
  ...Object.keys(WINDOW_OPS),
  ...Object.keys(ELEMENTWISE_OPS),
  'Mean',
  'ConcatV2',
]);

/**
 * Compiles a tfjs graph model to ONNX.
 *
 * Inputs keep their names and are float32, also where TensorFlow takes int32; those of rank 4 are NCHW instead of
 * NHWC, and an unknown batch size is 1. Outputs keep their names, shapes and NHWC layout. All shapes are static, but
 * for height and width with `dynamic`: operators whose shapes depend on values, and loops, are refused.
 *
 * human's `centernet` (MobileNet v3 CenterNet, 80 COCO classes): input `tower_0/images` [1,3,512,512], RGB 0…255
 * without normalisation. `tower_0/keypoints` [1,128,128,80] is the heatmap after the sigmoid, `tower_0/wh`
 * [1,128,128,4] the distances from the cell to the left, top, right and bottom edge in input pixels, and
 * `tower_0/detections` [1,100,6] the 100 highest peaks (3×3 maximum of their class), best first, as x1, y1, x2, y2 in
 * input pixels, score 0…1, class 0…79. `dynamic` goes as far as the heatmap with zeros where no peak is,
 * `tower_0/mul_1` [1,80,H/4,W/4], and `tower_0/mul` [1,4,H/4,W/4], the distances again. Non-maximum suppression
 * between boxes is left to the caller.
 *
 * @param model parsed `model.json`
 * @param bin its weight files, concatenated
 * @throws ModelError when the model is malformed or uses an operator outside the table
 */
export function compileGraph(model: unknown, bin: Uint8Array, options: GraphOptions): Uint8Array {
  if (!isRecord(model)) throw new ModelError(`Expected a tfjs graph model (an object) but received ${typeof model}`);
  if (options.outputs.length === 0) throw new ModelError('Expected at least one output of the graph but received none');
  const weights = readWeights(model.weightsManifest, bin);
  const nodes = parseTopology(model.modelTopology);
  const outputs = options.outputs.map(parseTensorRef);
  const builder = new GraphBuilder();
  // Outputs get their names first, so that no value inside the graph takes one.
  const names = options.outputs.map((name) => builder.uniqueName(name));
  const lowering = new Lowering(builder);
  const values = new Map<string, readonly Value[]>();
  const ordered = nodesInOrder(nodes, outputs);
  const image = options.dynamic ? onlyInput(ordered) : undefined;
  for (const node of ordered) {
    const value = node === image ? [addDynamicImage(node, lowering)] : lower(node, values, weights, lowering);
    values.set(node.name, value);
  }
  for (const [i, output] of outputs.entries()) {
    const value = resolve(output, values);
    const name = names[i] as string;
    const { cells, shape, type } = value;
    builder.nodeWithOutputs('Identity', [cells ? lowering.nchw(value) : lowering.plain(value)], [name]);
    builder.output(name, type, cells ? dynamicDims(shape, cells) : shape);
  }
  return builder.encode('tfjs-graph');
}

function lower(
  node: GraphNode,
  values: ReadonlyMap<string, readonly Value[]>,
  weights: Weights,
  lowering: Lowering,
): readonly Value[] {
  if (node.op === 'Placeholder') return [addInput(node, lowering)];
  if (node.op === 'Const') {
    const constant = weights.get(node.name);
    return [{ name: node.name, shape: constant.shape, type: dtypeOf(constant), layout: 'plain', constant }];
  }
  const emit = EMITTERS.get(node.op);
  if (emit === undefined) {
    const known = [...EMITTERS.keys()].sort().join(', ');
    throw failure(node, `expected one of the operators ${known} but received ${node.op}`);
  }
  const inputs = node.inputs.map((input) => resolve(input, values));
  const dynamic = inputs.find((input) => input.cells !== undefined);
  if (dynamic !== undefined && !SIZE_FREE.has(node.op)) throw sizeFailure(node, `${node.op} of ${dynamic.name}`);
  return emit({ node, inputs, lowering });
}

/** The one input of a graph whose image has a symbolic size. */
function onlyInput(nodes: readonly GraphNode[]): GraphNode {
  const inputs = nodes.filter((node) => node.op === 'Placeholder');
  const [image] = inputs;
  if (image !== undefined && inputs.length === 1) return image;
  const names = inputs.map((node) => node.name).join(', ');
  throw new ModelError(`Expected one input of a graph of dynamic size but received ${names || 'none'}`);
}

/** The image input, NCHW with symbolic height and width. The sizes that the graph names are an example from here on. */
function addDynamicImage(node: GraphNode, { builder }: Lowering): Value {
  const shape = shapeAttr(node, 'shape');
  const type = typeAttr(node, 'dtype');
  const cells: Cells = [SIZE_STEP, SIZE_STEP];
  const isImage = type === 'float32' && shape.length === 4;
  if (!isImage || shape.slice(1, 3).some((length) => length % SIZE_STEP !== 0)) {
    const expected = `an image of float32 with height and width that are multiples of ${SIZE_STEP}`;
    throw failure(node, `expected ${expected} but received ${type} of ${shapeText(shape)}`);
  }
  return { name: builder.input(node.name, type, dynamicDims(shape, cells)), shape, type, layout: 'nchw', cells };
}

/** Declared NCHW dimensions of a value of symbolic size. */
function dynamicDims([batch = 1, , , channels = 1]: readonly number[], [rows, columns]: Cells): (number | string)[] {
  return [batch, channels, symbolicDim('height', rows), symbolicDim('width', columns)];
}

function addInput(node: GraphNode, lowering: Lowering): Value {
  const shape = shapeAttr(node, 'shape');
  const layout = shape.length === 4 ? 'nchw' : 'plain';
  const dims = layout === 'nchw' ? permute(shape, NHWC_TO_NCHW) : shape;
  const type = typeAttr(node, 'dtype');
  if (type === 'bool') throw failure(node, 'expected an input of float32 or int32 but received bool');
  const input: Value = { name: lowering.builder.input(node.name, 'float32', dims), shape, type: 'float32', layout };
  if (type === 'float32') return input;
  const to = { to: { int: elementTypeNumber('int32') } };
  return lowering.emit('Cast', `${node.name}/int32`, [input.name], { ...input, type: 'int32' }, to);
}

function resolve(ref: TensorRef, values: ReadonlyMap<string, readonly Value[]>): Value {
  const outputs = values.get(ref.node) ?? [];
  const value = outputs[ref.index];
  if (value === undefined) {
    throw new ModelError(`Expected output ${ref.index} of node ${ref.node} but it has ${outputs.length}`);
  }
  return value;
}
