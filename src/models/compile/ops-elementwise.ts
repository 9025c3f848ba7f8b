import { typeAttr } from './attributes.ts';
import { commonLayout, type Emitter, failure, inputOf, type Lowering, type Operation, type Value } from './layout.ts';
import { elementTypeNumber } from './onnx.ts';
import { broadcast } from './tensor.ts';
import type { GraphNode } from './topology.ts';

/** An ONNX operator of the same meaning, one input, same shape. */
function unary(opType: string): Emitter {
  return (operation) => {
    const x = inputOf(operation, 0);
    const { node, lowering } = operation;
    return [lowering.emit(opType, node.name, [lowering.in(x.layout, x)], x)];
  };
}

function combine(operation: Operation, opType: string, values: readonly Value[], name: string, type = values[0]?.type) {
  const { lowering } = operation;
  const layout = commonLayout(values);
  const operands = values.map((value) => lowering.in(layout, value));
  const shape = values.map((value) => value.shape).reduce(broadcast);
  return lowering.emit(opType, name, operands, { shape, type: type ?? 'float32', layout });
}

/** An ONNX operator of the same meaning with broadcasting inputs. */
function broadcasting(opType: string, type?: Value['type']): Emitter {
  return (operation) => {
    inputOf(operation, 0);
    return [combine(operation, opType, operation.inputs, operation.node.name, type)];
  };
}

const squaredDifference: Emitter = (operation) => {
  const { name } = operation.node;
  const difference = combine(operation, 'Sub', [inputOf(operation, 0), inputOf(operation, 1)], `${name}/difference`);
  return [combine(operation, 'Mul', [difference, difference], name)];
};

/** Quotient rounded down. ONNX's integer Div rounds towards zero, so the remainder goes first: (a − a mod b) / b. */
const floorDiv: Emitter = (operation) => {
  const [a, b] = [inputOf(operation, 0), inputOf(operation, 1)];
  const { node, lowering } = operation;
  if (a.type === 'int32') {
    const rest = combine(operation, 'Mod', [a, b], `${node.name}/rest`);
    const multiple = combine(operation, 'Sub', [a, rest], `${node.name}/multiple`);
    return [combine(operation, 'Div', [multiple, b], node.name)];
  }
  const quotient = combine(operation, 'Div', [a, b], `${node.name}/quotient`);
  return [lowering.emit('Floor', node.name, [quotient.name], quotient)];
};

/** Remainder with the sign of the divisor. ONNX's Mod does this for integers only. */
const floorMod: Emitter = (operation) => {
  const { node } = operation;
  const a = inputOf(operation, 0);
  if (a.type !== 'int32') throw failure(node, `expected int32 operands but received ${a.type}`);
  return [combine(operation, 'Mod', [a, inputOf(operation, 1)], node.name)];
};

const cast: Emitter = (operation) => {
  const { node, lowering } = operation;
  const x = inputOf(operation, 0);
  const type = typeAttr(node, 'DstT');
  if (type === x.type) return [x];
  const to = { int: elementTypeNumber(type) };
  return [lowering.emit('Cast', node.name, [lowering.in(x.layout, x)], { ...x, type }, { to })];
};

function addRelu6({ builder, ...lowering }: Lowering, name: string, x: Value): Value {
  return { ...x, name };
}

export { addRelu6, broadcasting, cast, floorDiv, floorMod, squaredDifference, unary, type GraphNode };
