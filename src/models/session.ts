import './no-telemetry.ts';
import * as ort from 'onnxruntime-node';
import { ModelError } from '../errors.ts';

// What fails is thrown, and only the command line writes to the terminal.
ort.env.logLevel = 'fatal';

export const DEVICES = ['cpu', 'cuda', 'webgpu', 'auto'] as const;
export type Device = (typeof DEVICES)[number];

/** Name and shape of a graph input or output; a string is a dynamic dimension. */
export interface TensorInfo {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

/** An opened network. `run` blocks the calling thread until it is done. */
export interface Session {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** Provider that was opened: `cpu`, `cuda` or `webgpu`. */
  readonly provider: string;
  /** Runs on one float32 input; every output is returned with its shape. */
  run(input: Float32Array, shape: readonly number[]): Promise<Map<string, OutputTensor>>;
  release(): Promise<void>;
}

export interface OutputTensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Providers to try, in this order; `auto` falls back to the CPU, a named device does not. */
function providersFor(device: Device): string[] {
  return device === 'auto' ? ['cuda', 'cpu'] : [device];
}

/**
 * Opens a model for one worker thread: one intra-op thread, since parallelism comes from workers.
 * @throws ModelError when the file is not a model that this runtime can open on the device.
 */
export async function openSession(path: string, name: string, device: Device): Promise<Session> {
  const failures: string[] = [];
  for (const provider of providersFor(device)) {
    let session: ort.InferenceSession;
    try {
      session = await ort.InferenceSession.create(path, {
        executionProviders: [provider],
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        logSeverityLevel: 4,
      });
    } catch (error) {
      failures.push(`${provider}: ${(error as Error).message}`);
      continue;
    }
    const [input, ...others] = session.inputMetadata;
    if (input?.isTensor && input.type === 'float32' && input.shape.length === 4 && others.length === 0) {
      return wrap(session, input.name, provider);
    }
    const received = session.inputMetadata.map((m) => (m.isTensor ? `${m.type}[${m.shape.join(',')}]` : m.name));
    await session.release();
    throw new ModelError(
      `Model ${name}: expected one float32 image input with 4 dimensions but received ${received.join(' ') || 'none'}`,
    );
  }
  throw new ModelError(
    `Model ${name}: expected an ONNX file that opens on device ${device} but received: ${failures.join('; ')}`,
  );
}

function describe(metadata: readonly ort.InferenceSession.ValueMetadata[]): TensorInfo[] {
  return metadata.map((m) => ({ name: m.name, shape: m.isTensor ? [...m.shape] : [] }));
}

function wrap(session: ort.InferenceSession, input: string, provider: string): Session {
  return {
    inputs: describe(session.inputMetadata),
    outputs: describe(session.outputMetadata),
    provider,
    async run(data, shape) {
      const results = await session.run({ [input]: new ort.Tensor('float32', data, [...shape]) });
      const outputs = new Map<string, OutputTensor>();
      for (const [key, tensor] of Object.entries(results)) {
        if (tensor.type !== 'float32') continue;
        outputs.set(key, { data: tensor.data as Float32Array, shape: tensor.dims });
      }
      return outputs;
    },
    async release() {
      await session.release();
    },
  };
}
