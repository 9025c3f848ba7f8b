import { createHash } from 'node:crypto';
import { SampleError } from '../errors.ts';
import { probeLines } from './ffprobe.ts';
import { DEMUXERS } from './sniff.ts';
import type { ClipContainer, FfmpegTools } from './types.ts';

/** Which packets a picture consists of: their data, in order, and how they are decoded. */
export interface PacketDigest {
  readonly packets: number;
  /** SHA-256, hex. */
  readonly sha256: string;
  /** SHA-256, hex, of what the decoder is told once, such as the parameter sets of H.264; absent when there is nothing. */
  readonly setup?: string;
}

/**
 * The packets of which a file was made. Which of them are key frames is known from there alone: of others, too, that begin a
 * scene, demuxers say so, although no decoder can begin there.
 */
export interface JoinedPackets extends PacketDigest {
  /** Indices of key frames. */
  readonly keyframes: readonly number[];
}

/** Sums up packets one by one. */
export class PacketHash {
  readonly #hash = createHash('sha256');
  #packets = 0;

  /** @param sha256 of the packet's data, hex. */
  add(sha256: string): void {
    this.#packets++;
    this.#hash.update(`${sha256}\n`);
  }

  digest(setup?: string): PacketDigest {
    return { packets: this.#packets, sha256: this.#hash.digest('hex'), ...(setup !== undefined && { setup }) };
  }
}

export interface Packets extends PacketDigest {
  /** Ticks of every packet, in order. */
  readonly pts: readonly number[];
  /** Ticks for which the last packet is shown; 0 when the file does not say. */
  readonly lastDuration: number;
}

/**
 * Reads the packets of a stream without decoding them.
 * @throws SampleError (`verify`, `undecodable`) for more than `limit` packets, or one that is damaged, hidden or without
 *   time; whatever ffprobe says otherwise.
 */
export async function readPackets(
  tools: FfmpegTools,
  path: string,
  container: Exclude<ClipContainer, 'webp'>,
  stream: number,
  limit: number,
): Promise<Packets> {
  const hash = new PacketHash();
  const pts: number[] = [];
  let lastDuration = 0;
  let setup: string | undefined;
  const entries = ['-show_entries', 'packet=pts,duration,flags,data_hash:stream=extradata_hash', '-of', 'csv'];
  await probeLines(
    tools,
    path,
    ['-f', DEMUXERS[container], '-select_streams', `${stream}`, '-show_data_hash', 'sha256', ...entries],
    (line) => {
      const [kind, ...fields] = line.split(',');
      const sha256 = /^SHA256:([0-9a-f]{64})$/.exec(fields.at(-1) ?? '')?.[1];
      if (kind === 'stream') setup = sha256;
      if (kind !== 'packet') return;
      const [at, ticks, flags = ''] = fields;
      if (pts.length === limit || sha256 === undefined || /[CD]/.test(flags) || !Number.isSafeInteger(Number(at))) {
        throw new SampleError('verify', 'undecodable', `Expected at most ${limit} whole packets`);
      }
      pts.push(Number(at));
      lastDuration = Number.isSafeInteger(Number(ticks)) ? Number(ticks) : 0;
      hash.add(sha256);
    },
  );
  return { ...hash.digest(setup), pts, lastDuration };
}
