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
import { dtypeOf, permute } from './tensor.ts';
import { type GraphNode, nodesInOrder, parseTensorRef, parseTopology, type TensorRef } from './topology.ts';
import { readWeights, type Weights } from './weights.ts';

export interface GraphOptions {
  /** Tensors to return, by TensorFlow's names; nothing else is computed. */
  readonly outputs: readonly string[];
}

/** How each TensorFlow operator is written in ONNX. `Const` and `Placeholder` are not operators: see `compileGraph`. */
const EMITTERS: ReadonlyMap<string, Emitter> = new Map(
  Object.entries({ ...WINDOW_OPS, ...ELEMENTWISE_OPS, ...REDUCE_OPS, ...SHAPE_OPS }),
);

/**
 * Compiles a tfjs graph model to ONNX.
 *
 * Inputs keep their names and are float32, also where TensorFlow takes int32; those of rank 4 are NCHW instead of
 * NHWC, and an unknown batch size is 1. Outputs keep their names, shapes and NHWC layout. All shapes are static:
 * operators whose shapes depend on values, and loops, are refused.
 *
 * human's `centernet` (MobileNet v3 CenterNet, 80 COCO classes): input `tower_0/images` [1,3,512,512], RGB 0…255
 * without normalisation. `tower_0/keypoints` [1,128,128,80] is the heatmap after the sigmoid, `tower_0/wh`
 * [1,128,128,4] the distances from the cell to the left, top, right and bottom edge in input pixels, and
 * `tower_0/detections` [1,100,6] the 100 highest peaks (3×3 maximum of their class), best first, as x1, y1, x2, y2 in
 * input pixels, score 0…1, class 0…79. Non-maximum suppression between boxes is left to the caller.
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
  for (const node of nodesInOrder(nodes, outputs)) values.set(node.name, lower(node, values, weights, lowering));
  for (const [i, output] of outputs.entries()) {
    const value = resolve(output, values);
    const name = names[i] as string;
    builder.nodeWithOutputs('Identity', [lowering.plain(value)], [name]);
    builder.output(name, value.type, value.shape);
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
  return emit({ node, inputs: node.inputs.map((input) => resolve(input, values)), lowering });
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
