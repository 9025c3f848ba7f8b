import type { OnnxGraph, OnnxNode } from '../compile/onnx.ts';

/** Drops nodes and constants that no output of the model depends on. Exact: nothing is computed from them. */
export function dropUnused(graph: OnnxGraph): OnnxGraph {
  const used = new Set(graph.outputs.map((output) => output.name));
  const nodes: OnnxNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => used.has(output))) continue;
    nodes.push(node);
    for (const input of node.inputs) used.add(input);
  }
  return { ...graph, nodes: nodes.reverse(), initializers: graph.initializers.filter(({ name }) => used.has(name)) };
}
