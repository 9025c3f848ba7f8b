import type { OnnxGraph } from '../compile/onnx.ts';

/** Declares that the model takes one image at a time, where the number of images was open. */
export function takeOneImage(graph: OnnxGraph): OnnxGraph {
  const inputs = graph.inputs.map((input) => {
    const [batch, ...dims] = input.dims;
    return typeof batch === 'string' && dims.length === 3 ? { ...input, dims: [1, ...dims] } : input;
  });
  return { ...graph, inputs };
}
