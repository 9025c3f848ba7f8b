import { ModelError } from '../../errors.ts';
import { isRecord } from './json.ts';

/** One output of a node: TensorFlow writes it `name` or `name:index`. */
export interface TensorRef {
  readonly node: string;
  readonly index: number;
}

/** A node of a tfjs graph model. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** Data inputs; control inputs are left out. */
  readonly inputs: readonly TensorRef[];
  /** TensorFlow's AttrValue messages as JSON. */
  readonly attr: Readonly<Record<string, unknown>>;
}

export function parseTensorRef(text: string): TensorRef {
  const match = /^(.*):(\d+)$/.exec(text);
  return match ? { node: match[1] as string, index: Number(match[2]) } : { node: text, index: 0 };
}

/**
 * Nodes of a tfjs model topology (TensorFlow's GraphDef as JSON) by name.
 * @throws ModelError when the topology or one of its nodes is malformed
 */
export function parseTopology(topology: unknown): Map<string, GraphNode> {
  const list: unknown = isRecord(topology) ? topology.node : undefined;
  if (!Array.isArray(list)) {
    throw new ModelError(`Expected a modelTopology with an array "node" but received ${typeof list}`);
  }
  const nodes = new Map<string, GraphNode>();
  for (const [i, entry] of list.entries()) {
    const { name, op, input = [], attr = {} } = isRecord(entry) ? entry : {};
    if (typeof name !== 'string' || typeof op !== 'string' || !isStringArray(input) || !isRecord(attr)) {
      throw new ModelError(
        `Expected name, op, input and attr in node ${i} of the graph but received ${typeof entry} ${name}`,
      );
    }
    const inputs = input.filter((ref) => !ref.startsWith('^')).map(parseTensorRef);
    nodes.set(name, { name, op, inputs, attr });
  }
  return nodes;
}

/**
 * The nodes that `outputs` depend on, each after its inputs. Everything else is dead and left out.
 * @throws ModelError when an output or an input does not exist, or the graph has a loop
 */
export function nodesInOrder(nodes: ReadonlyMap<string, GraphNode>, outputs: readonly TensorRef[]): GraphNode[] {
  const ordered: GraphNode[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const stack: string[] = [];
  for (const output of outputs) {
    if (!nodes.has(output.node)) throw new ModelError(`Expected an output of the graph but received ${output.node}`);
    stack.push(output.node);
    // Depth first without recursion: a node is closed when it surfaces again after its inputs.
    for (let name = stack.at(-1); name !== undefined; name = stack.at(-1)) {
      const node = nodes.get(name);
      if (node === undefined) throw new ModelError(`Expected a node ${name} in the graph but received none`);
      const waiting =
        state.get(name) === undefined ? node.inputs.filter((input) => state.get(input.node) !== 'done') : [];
      if (waiting.some((input) => state.get(input.node) === 'open')) {
        throw new ModelError(`Expected a graph without loops but node ${name} depends on itself`);
      }
      if (waiting.length > 0) {
        state.set(name, 'open');
        stack.push(...waiting.map((input) => input.node).reverse());
        continue;
      }
      stack.pop();
      if (state.get(name) !== 'done') ordered.push(node);
      state.set(name, 'done');
    }
  }
  return ordered;
}

function isStringArray(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
