import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { OutputError, SampleError } from '../errors.ts';

/** A stream that comes in and one that goes out, each at the pace of the other side. */
export interface ByteStreams {
  /** Undefined at the end, and ever after. */
  read(): Promise<Uint8Array | undefined>;
  /** Resolves when more is wanted. */
  write(bytes: Uint8Array): Promise<void>;
}

type Request = { readonly kind: 'read' } | { readonly kind: 'write'; readonly bytes: Uint8Array };

/** To the request of that kind: there is one of each at a time. */
type Answer =
  | { readonly kind: 'read'; readonly bytes?: Uint8Array | undefined }
  | { readonly kind: 'write' }
  | { readonly kind: 'failed'; readonly of: Request['kind'] };

export interface ServedStreams {
  /** For the thread that reads and writes. */
  readonly port: MessagePort;
  /** The stream that comes in ends here, whatever it is waiting for. */
  stop(): void;
  close(): void;
  /** What a stream has failed with; errors lose their class between threads. */
  readonly failure: unknown;
}

/** Lets another thread read and write streams of this one. */
export function serveStreams(streams: ByteStreams): ServedStreams {
  const { port1: mine, port2: port } = new MessageChannel();
  let failure: unknown;
  let stop = (): void => {};
  const stopped = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
  });
  const answer = async (request: Request): Promise<Answer> => {
    try {
      if (request.kind === 'read') return { kind: 'read', bytes: await Promise.race([stopped, streams.read()]) };
      await streams.write(request.bytes);
      return { kind: 'write' };
    } catch (error) {
      failure ??= error;
      return { kind: 'failed', of: request.kind };
    }
  };
  mine.on('message', async (request: Request) => mine.postMessage(await answer(request)));
  return {
    port,
    stop,
    close: () => mine.close(),
    get failure() {
      return failure;
    },
  };
}

/** The streams that another thread serves. Calls of one kind wait for each other. */
export function streamsOver(port: MessagePort): ByteStreams {
  const waiting = new Map<Request['kind'], (answer: Answer) => void>();
  port.on('message', (answer: Answer) => {
    const kind = answer.kind === 'failed' ? answer.of : answer.kind;
    waiting.get(kind)?.(answer);
    waiting.delete(kind);
  });
  const ask = (request: Request): Promise<Answer> => {
    port.postMessage(request);
    return new Promise((resolve) => waiting.set(request.kind, resolve));
  };
  return {
    async read() {
      const answer = await ask({ kind: 'read' });
      if (answer.kind === 'read') return answer.bytes;
      throw new SampleError('read', 'unreadable', 'Expected a stream that can be read to its end');
    },
    async write(bytes) {
      const answer = await ask({ kind: 'write', bytes });
      if (answer.kind !== 'write') throw new OutputError('Expected a stream that can be written');
    },
  };
}
