import { open } from 'node:fs/promises';
import { SampleError } from '../errors.ts';
import type { ClipContainer } from './types.ts';

const HEAD_BYTES = 4096;

/** Boxes with which QuickTime files from before file type boxes begin. */
const QUICKTIME_BOXES = ['moov', 'mdat', 'wide', 'free', 'skip', 'pnot'];

/**
 * What a clip is stored in, told by its first bytes and never by its name, so that no play list and no list of files
 * can be passed off as one. Undefined when it is nothing that is read as a clip.
 */
export function sniffClip(head: Uint8Array): ClipContainer | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, HEAD_BYTES)).toString('latin1');
  if (text.startsWith('ftyp', 4)) return text.startsWith('qt  ', 8) ? 'mov' : 'mp4';
  if (QUICKTIME_BOXES.some((box) => text.startsWith(box, 4))) return 'mov';
  if (text.startsWith('\x1a\x45\xdf\xa3')) {
    // EBML header (RFC 8794): the document type is the element 0x4282.
    const type = /\x42\x82.(matroska|webm)/s.exec(text)?.[1];
    if (type === undefined) return undefined;
    return type === 'webm' ? 'webm' : 'mkv';
  }
  if (text.startsWith('RIFF') && text.startsWith('AVI ', 8)) return 'avi';
  if (text.startsWith('RIFF') && text.startsWith('WEBP', 8)) return 'webp';
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'gif';
  return undefined;
}

/** Reads the beginning of a file. Throws SampleError of stage `decode`: `empty`, `unsupported:unknown`. */
export async function sniffClipFile(path: string): Promise<ClipContainer> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    if (bytesRead === 0) throw new SampleError('decode', 'empty', 'Expected a clip but received 0 bytes');
    const container = sniffClip(buffer.subarray(0, bytesRead));
    if (container !== undefined) return container;
  } finally {
    await file.close();
  }
  throw new SampleError('decode', 'unsupported:unknown', 'Expected mp4, mov, mkv, webm, avi, gif or webp');
}

/** The demuxer to force, so that ffmpeg does not look for another one. */
export const DEMUXERS: Readonly<Record<Exclude<ClipContainer, 'webp'>, string>> = {
  mp4: 'mov',
  mov: 'mov',
  mkv: 'matroska',
  webm: 'matroska',
  avi: 'avi',
  gif: 'gif',
};
