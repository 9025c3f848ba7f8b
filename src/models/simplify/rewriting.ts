import type { OnnxGraph, OnnxNode, OnnxTensor } from '../compile/onnx.ts';

/** A constant of float32. */
export interface FloatTensor extends OnnxTensor {
  readonly data: Float32Array;
}

/**
 * A graph while a pass rewrites it: who makes each value, who uses it, and its constants. Nodes are never changed, only
 * replaced, and what replaces a node takes its place in the order.
 */
export class Rewriting {
  readonly #graph: OnnxGraph;
  readonly #slots: (readonly OnnxNode[])[];
  readonly #slotOf = new Map<OnnxNode, number>();
  readonly #users = new Map<string, Set<OnnxNode>>();
  readonly #makers = new Map<string, OnnxNode>();
  readonly #constants: Map<string, OnnxTensor>;
  readonly #outputs: ReadonlySet<string>;
  readonly #names: Set<string>;

  constructor(graph: OnnxGraph) {
    this.#graph = graph;
    this.#slots = graph.nodes.map((node) => [node]);
    this.#constants = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
    this.#outputs = new Set(graph.outputs.map((output) => output.name));
    this.#names = new Set([...graph.inputs, ...graph.initializers].map(({ name }) => name));
    for (const [slot, node] of graph.nodes.entries()) this.#add(node, slot);
  }

  /** The nodes as they were before the pass, those left out that it has replaced since. */
  *nodes(): Generator<OnnxNode> {
    for (const node of this.#graph.nodes) if (this.#slotOf.has(node)) yield node;
  }

  users(value: string): readonly OnnxNode[] {
    return [...(this.#users.get(value) ?? [])];
  }

  maker(value: string | undefined): OnnxNode | undefined {
    return value === undefined ? undefined : this.#makers.get(value);
  }

  /** The node that alone uses a value, and once; undefined when the value has more users or is an output of the model. */
  onlyUser(value: string | undefined): OnnxNode | undefined {
    if (value === undefined || this.#outputs.has(value)) return undefined;
    const [user, ...others] = this.#users.get(value) ?? [];
    const isOnly = user !== undefined && others.length === 0;
    return isOnly && user.inputs.filter((input) => input === value).length === 1 ? user : undefined;
  }

  isOutput(value: string): boolean {
    return this.#outputs.has(value);
  }

  /** The constant of that name, when it is one of float32. */
  floats(name: string | undefined): FloatTensor | undefined {
    const tensor = name === undefined ? undefined : this.#constants.get(name);
    return tensor?.data instanceof Float32Array ? (tensor as FloatTensor) : undefined;
  }

  /** Adds a constant of float32; returns its name, which is `name` or one derived from it. */
  constant(name: string, dims: readonly number[], data: Float32Array): string {
    return this.#constant(name, dims, data);
  }

  /** Adds a constant of int64. */
  int64s(name: string, values: readonly number[]): string {
    return this.#constant(name, [values.length], BigInt64Array.from(values, BigInt));
  }

  /** Claims `name`, or `name_1`, `name_2`, … when it is taken. */
  unique(name: string): string {
    let unique = name;
    for (let i = 1; this.#names.has(unique); i++) unique = `${name}_${i}`;
    this.#names.add(unique);
    return unique;
  }

  /** Puts `nodes` in the place of `node`; those of `merged` go as well. */
  replace(node: OnnxNode, nodes: readonly OnnxNode[], merged: readonly OnnxNode[] = []): void {
    const slot = this.#slotOf.get(node) as number;
    for (const gone of [node, ...merged]) this.#remove(gone);
    this.#slots[slot] = [...(this.#slots[slot] ?? []), ...nodes];
    for (const added of nodes) this.#add(added, slot);
  }

  /** The graph as it is now. */
  graph(): OnnxGraph {
    return { ...this.#graph, nodes: this.#slots.flat(), initializers: [...this.#constants.values()] };
  }

  #constant(name: string, dims: readonly number[], data: OnnxTensor['data']): string {
    const unique = this.unique(name);
    this.#constants.set(unique, { name: unique, dims, data });
    return unique;
  }

  #add(node: OnnxNode, slot: number): void {
    this.#slotOf.set(node, slot);
    for (const output of node.outputs) {
      this.#names.add(output);
      this.#makers.set(output, node);
    }
    for (const input of node.inputs) {
      const users = this.#users.get(input);
      if (users) users.add(node);
      else this.#users.set(input, new Set([node]));
    }
  }

  #remove(node: OnnxNode): void {
    const slot = this.#slotOf.get(node) as number;
    this.#slots[slot] = (this.#slots[slot] ?? []).filter((other) => other !== node);
    this.#slotOf.delete(node);
    for (const output of node.outputs) if (this.#makers.get(output) === node) this.#makers.delete(output);
    for (const input of node.inputs) this.#users.get(input)?.delete(node);
  }
}

/** The node's other input, when it has two and `value` is one of them. */
export function otherInput(node: OnnxNode, value: string): string | undefined {
  const [a, b, ...more] = node.inputs;
  if (more.length > 0 || a === b) return undefined;
  return a === value ? b : b === value ? a : undefined;
}

/** The one number of a constant scalar or vector of one element: what broadcasts without adding dimensions. */
export function scalarOf(tensor: FloatTensor | undefined): number | undefined {
  return tensor?.data.length === 1 && tensor.dims.length <= 1 ? tensor.data[0] : undefined;
}
