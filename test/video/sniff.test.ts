import { describe, expect, it } from 'vitest';
import { sniffClip } from '../../src/video/sniff.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('telling what a clip is stored in', () => {
  it.each([
    ['\0\0\0\x18ftypisom\0\0\0\0', 'mp4'],
    ['\0\0\0\x14ftypqt  \0\0\0\0', 'mov'],
    ['\0\0\0\x08wide\0\0\0\0mdat', 'mov'],
    ['\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm', 'webm'],
    ['\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska', 'mkv'],
    ['RIFF\0\0\0\0AVI LIST', 'avi'],
    ['RIFF\0\0\0\0WEBPVP8X', 'webp'],
    ['GIF89a', 'gif'],
    ['RIFF\0\0\0\0WAVEfmt ', undefined],
    ['\x1a\x45\xdf\xa3\x9f\x42\x82\x84else', undefined],
    ['#EXTM3U\n', undefined],
    ['', undefined],
  ])('%j is %s', (head, container) => {
    expect(sniffClip(bytes(head))).toBe(container);
  });
});
