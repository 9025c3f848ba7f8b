import { typeAttr } from './attributes.ts';
import { elementTypeNumber } from './onnx.ts';
import {
  commonLayout,
  defer,
  type Emitter,
  failure,
  inputOf,
  type Operation,
  splitScale,
  type Value,
} from './operation.ts';
import { commonCells } from './size.ts';
import { broadcast, shapeText, sizeOf } from './tensor.ts';

/** TensorFlow operators that work element by element, in whatever layout their inputs are. */
export const ELEMENTWISE_OPS: Readonly<Record<string, Emitter>> = {
  Identity: (operation) => [inputOf(operation, 0)],
  Cast: cast,
  Relu: (operation) => [addActivation(operation, 'Relu', inputOf(operation, 0))],
  Relu6: (operation) => [addActivation(operation, 'Relu6', inputOf(operation, 0))],
  Sigmoid: (operation) => [addActivation(operation, 'Sigmoid', inputOf(operation, 0))],
  Prelu: (operation) => [addActivation(operation, 'Prelu', inputOf(operation, 0), inputOf(operation, 1))],
  Sqrt: (operation) => [unary(operation, 'Sqrt', inputOf(operation, 0))],
  Add: sum,
  AddV2: sum,
  AddN: broadcasting('Sum'),
  Sub: broadcasting('Sub'),
  Mul: product,
  RealDiv: broadcasting('Div'),
  Minimum: broadcasting('Min'),
  Maximum: broadcasting('Max'),
  Equal: broadcasting('Equal', 'bool'),
  SquaredDifference: squaredDifference,
  FloorDiv: floorDiv,
  FloorMod: floorMod,
};

const ACTIVATIONS = ['Relu', 'Relu6', 'Sigmoid', 'Prelu'];

/**
 * Adds an activation function that TensorFlow may also fuse into a convolution or a matrix product.
 * @param alpha slope of `Prelu` for negative values
 */
export function addActivation(operation: Operation, kind: string, x: Value, alpha?: Value): Value {
  const { node, lowering } = operation;
  if (kind === 'Relu' || kind === 'Sigmoid') return unary(operation, kind, x);
  if (kind === 'Relu6') return relu6(operation, x);
  if (kind === 'Prelu' && alpha !== undefined) {
    commonCells(node, [x, alpha]);
    return unary(operation, 'PRelu', x, [lowering.in(x.layout, alpha)]);
  }
  throw failure(node, `expected an activation among ${ACTIVATIONS.join(', ')} but received ${kind}`);
}

/**
 * min(max(x, 0), 6). A deferred product and sum fit into HardSigmoid, min(max(α · x + β, 0), 1). That also is the form
 * of hard-swish, x · relu6(x + 3) / 6, that onnxruntime fuses into the convolution before it.
 */
function relu6(operation: Operation, x: Value): Value {
  const { node, lowering } = operation;
  const { builder } = lowering;
  if (x.deferred === undefined) return unary(operation, 'Clip', x, [builder.scalar(0), builder.scalar(6)]);
  const { of, scale, offset } = x.deferred;
  const attributes = { alpha: { float: scale / 6 }, beta: { float: offset / 6 } };
  const sixth = lowering.emit('HardSigmoid', `${node.name}/sixth`, [lowering.in(of.layout, of)], of, attributes);
  return defer(node.name, sixth, 6, 0);
}

function unary(operation: Operation, opType: string, x: Value, parameters: readonly string[] = []): Value {
  const { node, lowering } = operation;
  return lowering.emit(opType, node.name, [lowering.in(x.layout, x), ...parameters], x);
}

function broadcasting(opType: string, type?: Value['type']): Emitter {
  return (operation) => [combine(operation, opType, operation.inputs, operation.node.name, type)];
}

/** A product with a number is left to the consumers: convolutions take it into their weights. */
function product(operation: Operation): Value[] {
  const { name } = operation.node;
  const [a, b] = [inputOf(operation, 0), inputOf(operation, 1)];
  const number = withNumber(a, b);
  if (number !== undefined) return [defer(name, number.x, number.value, 0)];
  const [left, right] = [splitScale(a), splitScale(b)];
  const bare = combine(operation, 'Mul', [left.of, right.of], name);
  return [defer(name, bare, left.scale * right.scale, 0)];
}

/** A sum with a number is left to the consumers: see `relu6`. */
function sum(operation: Operation): Value[] {
  const { name } = operation.node;
  const [a, b] = [inputOf(operation, 0), inputOf(operation, 1)];
  const number = withNumber(a, b);
  if (number !== undefined) return [defer(name, number.x, 1, number.value)];
  return [combine(operation, 'Add', [a, b], name)];
}

/** When one of two float operands is a single known number that leaves the other's shape as it is: which and what. */
function withNumber(a: Value, b: Value): { x: Value; value: number } | undefined {
  const [x, number] = a.constant === undefined ? [a, b.constant] : [b, a.constant];
  if (number === undefined || x.constant !== undefined || x.type !== 'float32') return undefined;
  if (sizeOf(number.shape) !== 1 || number.shape.length > x.shape.length) return undefined;
  return { x, value: number.data[0] as number };
}

/** Adds a node whose inputs broadcast to one shape. */
function combine(
  operation: Operation,
  opType: string,
  values: readonly Value[],
  name: string,
  type: Value['type'] = inputOf(operation, 0).type,
): Value {
  const { node, lowering } = operation;
  const layout = commonLayout(values);
  const operands = values.map((value) => lowering.in(layout, value));
  const shapes = values.map((value) => value.shape);
  const shape = broadcast(shapes);
  if (shape === undefined) {
    throw failure(node, `expected shapes that broadcast together but received ${shapes.map(shapeText).join(', ')}`);
  }
  const cells = commonCells(node, values);
  return lowering.emit(opType, name, operands, { shape, type, layout, cells });
}

function cast(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const x = inputOf(operation, 0);
  const type = typeAttr(node, 'DstT');
  if (type === x.type) return [x];
  const to = { int: elementTypeNumber(type) };
  return [lowering.emit('Cast', node.name, [lowering.in(x.layout, x)], { ...x, type }, { to })];
}

function squaredDifference(operation: Operation): Value[] {
  const { name } = operation.node;
  const difference = combine(operation, 'Sub', [inputOf(operation, 0), inputOf(operation, 1)], `${name}/difference`);
  return [combine(operation, 'Mul', [difference, difference], name)];
}

/** Quotient rounded down. ONNX's integer Div rounds towards zero, so the remainder goes first: (a − a mod b) / b. */
function floorDiv(operation: Operation): Value[] {
  const { node, lowering } = operation;
  const [a, b] = [inputOf(operation, 0), inputOf(operation, 1)];
  if (a.type === 'int32') {
    const rest = combine(operation, 'Mod', [a, b], `${node.name}/rest`);
    const multiple = combine(operation, 'Sub', [a, rest], `${node.name}/multiple`);
    return [combine(operation, 'Div', [multiple, b], node.name)];
  }
  const quotient = combine(operation, 'Div', [a, b], `${node.name}/quotient`);
  return [lowering.emit('Floor', node.name, [quotient.name], quotient)];
}

/** Remainder with the sign of the divisor, which ONNX's Mod gives for integers only. */
function floorMod(operation: Operation): Value[] {
  const { node } = operation;
  const [a, b] = [inputOf(operation, 0), inputOf(operation, 1)];
  if (a.type !== 'int32') throw failure(node, `expected int32 operands but received ${a.type}`);
  return [combine(operation, 'Mod', [a, b], node.name)];
}
