/** Small graphs to simplify, and a way to compare what two of them compute. */
import ort from 'onnxruntime-node';
import {
  type Attributes,
  encodeModel,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
} from '../../../src/models/compile/onnx.ts';

/** Numbers that are neither small nor regular. */
export function values(length: number, seed = 1): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin((i + seed) * 12.9898) * 2);
}

/** A graph under construction: input `x` [1, channels, 8, 12], output `y`. */
export class Sketch {
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: OnnxTensor[] = [];

  node(opType: string, inputs: readonly string[], output: string, attributes: Attributes = {}): this {
    this.#nodes.push({ opType, name: output, inputs, outputs: [output], attributes });
    return this;
  }

  constant(name: string, dims: readonly number[], data: readonly number[] | Float32Array): this {
    this.#initializers.push({ name, dims, data: Float32Array.from(data) });
    return this;
  }

  scalar(name: string, value: number): this {
    return this.constant(name, [], [value]);
  }

  /** A convolution with a bias. `dims` are those of its weights. */
  conv(
    input: string,
    output: string,
    dims: readonly [number, number, number, number],
    attributes: Attributes = {},
  ): this {
    const seed = this.#initializers.length + 1;
    const size = dims.reduce((a, b) => a * b, 1);
    this.constant(`${output}.w`, dims, values(size, seed)).constant(
      `${output}.b`,
      [dims[0]],
      values(dims[0], seed + 7),
    );
    return this.node('Conv', [input, `${output}.w`, `${output}.b`], output, attributes);
  }

  /** `f * input + c` in two nodes. */
  affine(input: string, output: string, f = 1.7, c = -0.6): this {
    this.scalar(`${output}.f`, f).scalar(`${output}.c`, c);
    return this.node('Mul', [`${output}.f`, input], `${output}.m`).node('Add', [`${output}.m`, `${output}.c`], output);
  }

  /** x·clip(x + three, zero, six) / divisor */
  hardSwish(input: string, output: string, [three, zero, six, divisor]: readonly number[] = [3, 0, 6, 6]): this {
    for (const [name, value] of Object.entries({ three, zero, six, divisor }))
      this.scalar(`${output}.${name}`, value ?? 0);
    return this.node('Add', [input, `${output}.three`], `${output}.a`)
      .node('Clip', [`${output}.a`, `${output}.zero`, `${output}.six`], `${output}.l`)
      .node('Mul', [input, `${output}.l`], `${output}.p`)
      .node('Div', [`${output}.p`, `${output}.divisor`], output);
  }

  /** A value of one pixel for each channel of `input`, between 0 and 1. */
  gate(input: string, output: string, channels: number): this {
    return this.node('GlobalAveragePool', [input], `${output}.g`)
      .conv(`${output}.g`, `${output}.c`, [channels, channels, 1, 1])
      .node('HardSigmoid', [`${output}.c`], output, { alpha: { float: 0.2 }, beta: { float: 0.5 } });
  }

  /** Repeats every pixel `scale` times in both directions. */
  repeat(input: string, output: string, scale: number, mode = 'nearest'): this {
    this.constant(`${output}.roi`, [0], []).constant(`${output}.s`, [4], [1, 1, scale, scale]);
    return this.node('Resize', [input, `${output}.roi`, `${output}.s`], output, {
      mode: { string: mode },
      coordinate_transformation_mode: { string: 'asymmetric' },
      nearest_mode: { string: 'floor' },
    });
  }

  graph(channels = 2, outputs: readonly string[] = ['y'], batch: number | string = 1): OnnxGraph {
    return {
      name: 'sketch',
      nodes: this.#nodes,
      initializers: this.#initializers,
      inputs: [{ name: 'x', type: 'float32', dims: [batch, channels, 'height', 'width'] }],
      outputs: outputs.map((name) => ({ name, type: 'float32', dims: ['', '', '', ''] })),
      opset: 11,
    };
  }
}

/** All outputs for one input of `shape`, one after the other. */
export async function outputsOf(bytes: Uint8Array, input: Float32Array, shape: readonly number[]): Promise<number[]> {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  try {
    const results = await session.run({ [session.inputNames[0] ?? '']: new ort.Tensor('float32', input, shape) });
    return session.outputNames.flatMap((name) => [...((results[name] as ort.Tensor).data as Float32Array)]);
  } finally {
    await session.release();
  }
}

/** The largest difference between two lists of numbers of the same length; NaN when they have not. */
export function difference(a: readonly number[], b: readonly number[]): number {
  return a.length === b.length ? a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? 0))), 0) : NaN;
}

/** The largest difference of what two graphs of an input `x` [1, channels, 8, 12] compute, as a part of the largest value. */
export async function graphDifference(a: OnnxGraph, b: OnnxGraph): Promise<number> {
  const channels = Number(a.inputs[0]?.dims[1]);
  const shape = [1, channels, 8, 12];
  const input = values(channels * 96, 99);
  const [before, after] = [
    await outputsOf(encodeModel(a), input, shape),
    await outputsOf(encodeModel(b), input, shape),
  ];
  return difference(before, after) / Math.max(...before.map(Math.abs));
}
