/** Typed access to a node's attributes. Encoding: tfjs-converter `operation_mapper.ts` and TensorFlow's `attr_value.proto`. */
import { ModelError } from '../../errors.ts';
import { isRecord } from './json.ts';
import type { GraphNode } from './topology.ts';

/** Boolean attribute; `false` when absent, as in protobuf. */
export function boolAttr(node: GraphNode, name: string): boolean {
  return field(node, name, 'b') === true;
}

/** Integer attribute; JSON holds int64 as a string. */
export function intAttr(node: GraphNode, name: string, absent?: number): number {
  return toInt(node, name, field(node, name, 'i') ?? absent);
}

export function intsAttr(node: GraphNode, name: string, absent?: readonly number[]): readonly number[] {
  const list = field(node, name, 'list');
  if (list === undefined && absent !== undefined) return absent;
  const values = isRecord(list) ? (list.i ?? []) : undefined;
  if (!Array.isArray(values)) return fail(node, name, 'a list of integers', list);
  return values.map((value) => toInt(node, name, value));
}

export function stringAttr(node: GraphNode, name: string): string {
  return toText(node, name, field(node, name, 's'));
}

/** List of strings; empty when absent. */
export function stringsAttr(node: GraphNode, name: string): string[] {
  const list = field(node, name, 'list');
  const values = isRecord(list) ? (list.s ?? []) : [];
  if (!Array.isArray(values)) return fail(node, name, 'a list of strings', values);
  return values.map((value) => toText(node, name, value));
}

/** TensorFlow's data types as the compiled graph holds them: like tfjs, it knows no int64. */
const TYPES = { DT_FLOAT: 'float32', DT_INT32: 'int32', DT_INT64: 'int32', DT_BOOL: 'bool' } as const;

export function typeAttr(node: GraphNode, name: string): 'float32' | 'int32' | 'bool' {
  const type = field(node, name, 'type');
  for (const [key, value] of Object.entries(TYPES)) if (key === type) return value;
  return fail(node, name, Object.keys(TYPES).join(', '), type);
}

/** Shape attribute. An unknown batch size, the leading −1, becomes 1. */
export function shapeAttr(node: GraphNode, name: string): number[] {
  const shape = field(node, name, 'shape');
  const dims = isRecord(shape) ? (shape.dim ?? []) : undefined;
  if (!Array.isArray(dims)) return fail(node, name, 'a shape', shape);
  return dims.map((dim: unknown, axis) => {
    const size = toInt(node, name, isRecord(dim) ? dim.size : undefined);
    if (size === -1 && axis === 0) return 1;
    return size > 0 ? size : fail(node, name, 'known dimensions', size);
  });
}

function field(node: GraphNode, name: string, key: string): unknown {
  const value = node.attr[name];
  return isRecord(value) ? value[key] : undefined;
}

function toInt(node: GraphNode, name: string, value: unknown): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : fail(node, name, 'an integer', value);
}

function toText(node: GraphNode, name: string, base64: unknown): string {
  return typeof base64 === 'string' ? Buffer.from(base64, 'base64').toString() : fail(node, name, 'a string', base64);
}

function fail(node: GraphNode, name: string, expected: string, received: unknown): never {
  throw new ModelError(
    `Node ${node.name} (${node.op}): expected attribute ${name} to be ${expected} but received ${JSON.stringify(received)}`,
  );
}
