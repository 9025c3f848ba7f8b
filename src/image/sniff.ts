import type { ImageFormat } from '../core/types.ts';
import { buffer } from './reader.ts';

export type Sniffed = { format: ImageFormat } | { unsupported: string };

/** How far into a text an opening `<svg` is looked for. */
const TEXT_WINDOW = 4096;

const MAGIC: readonly (readonly [signature: string, offset: number, result: Sniffed])[] = [
  ['\xff\xd8\xff', 0, { format: 'jpeg' }],
  ['\x89PNG\r\n\x1a\n', 0, { format: 'png' }],
  ['GIF87a', 0, { format: 'gif' }],
  ['GIF89a', 0, { format: 'gif' }],
  ['CR\x02\x00', 8, { unsupported: 'raw' }],
  ['II\x2a\x00', 0, { format: 'tiff' }],
  ['MM\x00\x2a', 0, { format: 'tiff' }],
  ['II\x2b\x00', 0, { format: 'tiff' }],
  ['MM\x00\x2b', 0, { format: 'tiff' }],
  ['IIU\x00', 0, { unsupported: 'raw' }],
  ['IIRO', 0, { unsupported: 'raw' }],
  ['FUJIFILMCCD-RAW', 0, { unsupported: 'raw' }],
  ['BM', 0, { unsupported: 'bmp' }],
  ['%PDF', 0, { unsupported: 'pdf' }],
  ['%!PS', 0, { unsupported: 'postscript' }],
  ['8BPS', 0, { unsupported: 'psd' }],
  ['\xff\x0a', 0, { unsupported: 'jxl' }],
  ['\x00\x00\x00\x0cJXL ', 0, { unsupported: 'jxl' }],
  ['\x00\x00\x00\x0cjP  ', 0, { unsupported: 'jp2' }],
  ['\xff\x4f\xff\x51', 0, { unsupported: 'jp2' }],
  ['\x00\x00\x01\x00', 0, { unsupported: 'ico' }],
  ['\x1f\x8b', 0, { unsupported: 'gzip' }],
  ['PK\x03\x04', 0, { unsupported: 'zip' }],
];

/**
 * Tells a file's format from its first bytes, never from its name.
 * `unsupported` is a stable code: what it is instead, `empty`, or `unknown`.
 */
export function sniffFormat(bytes: Uint8Array): Sniffed {
  if (bytes.length === 0) return { unsupported: 'empty' };
  const head = buffer(bytes.subarray(0, TEXT_WINDOW)).toString('latin1');
  for (const [signature, offset, result] of MAGIC) if (head.startsWith(signature, offset)) return result;
  if (head.startsWith('RIFF') && head.startsWith('WEBP', 8)) return { format: 'webp' };
  if (head.startsWith('ftyp', 4)) return sniffBrands(head);
  // UTF-16 text has a NUL in every other byte; without them it reads as ASCII.
  const text = head.replaceAll('\0', '').toLowerCase();
  if (/<(?:[\w-]+:)?svg[\s/>]/.test(text)) return { unsupported: 'svg' };
  if (/<!doctype html|<html[\s>]/.test(text)) return { unsupported: 'html' };
  return { unsupported: 'unknown' };
}

/** ISO/IEC 14496-12 file type box: a major brand, a version, then compatible brands. */
function sniffBrands(head: string): Sniffed {
  const size = Math.min(head.length, Math.max(16, head.charCodeAt(2) * 256 + head.charCodeAt(3)));
  const brands: string[] = [head.slice(8, 12)];
  for (let at = 16; at + 4 <= size; at += 4) brands.push(head.slice(at, at + 4));
  if (brands.includes('avif') || brands.includes('avis')) return { format: 'avif' };
  if (brands.some((brand) => /^(hei[cxms]|hev[cxms]|mif[12]|msf1)$/.test(brand))) return { unsupported: 'heic' };
  if (brands.includes('crx ')) return { unsupported: 'raw' };
  return { unsupported: 'video' };
}
