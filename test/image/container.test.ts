import { describe, expect, it } from 'vitest';
import { FORMATS } from '../../src/core/types.ts';
import { SampleError } from '../../src/errors.ts';
import { type ContainerScan, scanContainer } from '../../src/image/container.ts';
import { withoutExtraneousBytes } from '../../src/image/jpeg.ts';
import { box, gifExtension, jpegSegment, latin1, pngChunk, u16, u32 } from '../fixtures/image-blocks.ts';
import { exifBlock, tiffDirectory, withTiffFields } from '../fixtures/image-tiff.ts';
import { encoded, fromRgb, hiddenUnderAlpha, multiFrame, photo, planted } from '../fixtures/images.ts';

const image = photo(40, 24);
const clean = (format: (typeof FORMATS)[number]) => encoded(fromRgb(image), format);

function reasonOf(bytes: Uint8Array): string {
  try {
    scanContainer(bytes);
    return 'none';
  } catch (error) {
    if (error instanceof SampleError && error.stage === 'decode') return error.reason;
    throw error;
  }
}

describe.each(FORMATS)('scanContainer: %s', (format) => {
  it('finds nothing in a clean file', async () => {
    expect(scanContainer(await clean(format))).toEqual<ContainerScan>({
      format,
      kinds: [],
      disallowed: [],
      trailingBytes: 0,
      frames: 1,
      width: 40,
      height: 24,
      lossless: format !== 'jpeg' && format !== 'avif',
    });
  });

  it('names everything that was planted', async () => {
    const { bytes, canaries, kinds, disallowed } = await planted(image, format);
    for (const canary of canaries) expect(bytes.includes(canary), canary).toBe(true);
    const scan = scanContainer(bytes);
    expect(scan.kinds).toEqual(kinds);
    expect(scan.disallowed).toEqual(disallowed);
    expect(scan.trailingBytes).toBeGreaterThan(0);
    expect(scan.frames).toBe(1);
  });

  it('counts the bytes after the end', async () => {
    const scan = scanContainer(Buffer.concat([await clean(format), Buffer.alloc(37)]));
    expect(scan.trailingBytes).toBe(37);
    expect(scan.kinds).toEqual(['trailing-data']);
  });

  it('refuses every beginning of a file', async () => {
    const bytes = await clean(format);
    for (let length = 1; length < bytes.length; length++) {
      expect(reasonOf(bytes.subarray(0, length)), `${length} of ${bytes.length} bytes`).toMatch(
        /^(truncated|corrupt|unsupported:(unknown|video|heic))$/,
      );
    }
  });
});

describe('frames', () => {
  it.each(['gif', 'webp', 'tiff', 'apng'] as const)('counts those of an animated or paged %s', async (kind) => {
    expect(scanContainer(await multiFrame(kind)).frames).toBe(3);
  });

  it('takes an AVIF sequence for more than one', async () => {
    expect(scanContainer(await multiFrame('avif-sequence')).frames).toBeGreaterThan(1);
  });

  // Each chunk type alone must give an animation away.
  it.each([
    ['acTL', 3],
    ['fcTL', 3],
    ['fdAT', 2],
  ] as const)('counts PNG frames by %s alone', async (type, frames) => {
    const apng = await multiFrame('apng');
    const parts: Buffer[] = [apng.subarray(0, 8)];
    for (let at = 8; at < apng.length; at += 12 + apng.readUInt32BE(at)) {
      const found = apng.toString('latin1', at + 4, at + 8);
      const animates = ['acTL', 'fcTL', 'fdAT'].includes(found);
      if (!animates || found === type) parts.push(apng.subarray(at, at + 12 + apng.readUInt32BE(at)));
    }
    expect(scanContainer(Buffer.concat(parts)).frames).toBe(frames);
  });
});

describe('JPEG', () => {
  const insertAt = (bytes: Buffer, at: number, inserted: Uint8Array): Buffer =>
    Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]);

  it('allows a JFIF header only without thumbnail', async () => {
    const bytes = await clean('jpeg');
    const jfif = latin1('JFIF\0\x01\x02\0\0\x01\0\x01\0\0');
    expect(scanContainer(insertAt(bytes, 2, jpegSegment(0xe0, jfif))).disallowed).toEqual([]);
    const withThumbnail = Buffer.concat([jfif.subarray(0, 12), Buffer.from([1, 1, 9, 9, 9])]);
    const scan = scanContainer(insertAt(bytes, 2, jpegSegment(0xe0, withThumbnail)));
    expect(scan.disallowed).toEqual(['APP0']);
    expect(scan.kinds).toEqual(['thumbnail']);
  });

  it('is not misled by an end marker inside a segment', async () => {
    const bytes = insertAt(await clean('jpeg'), 2, jpegSegment(0xe5, Buffer.from([0xff, 0xd9, 0xff, 0xd8])));
    expect(scanContainer(bytes)).toMatchObject({ trailingBytes: 0, disallowed: ['APP5'] });
  });

  it('reports and removes stray bytes between segments, and nothing else', async () => {
    const bytes = await clean('jpeg');
    const stray = insertAt(bytes, bytes.indexOf(Buffer.from([0xff, 0xc0])), latin1('\0stray\xff\0'));
    expect(scanContainer(stray)).toMatchObject({ kinds: ['trailing-data'], disallowed: ['extraneous bytes'] });
    expect(Buffer.compare(withoutExtraneousBytes(stray), bytes)).toBe(0);
  });

  it('takes fill bytes before a marker for what they are', async () => {
    const bytes = await clean('jpeg');
    const filled = insertAt(bytes, bytes.indexOf(Buffer.from([0xff, 0xc0])), Buffer.alloc(5, 0xff));
    expect(scanContainer(filled)).toMatchObject({ kinds: [], disallowed: [] });
  });

  it('publishes baseline only', async () => {
    const progressive = await fromRgb(image).jpeg({ progressive: true }).toBuffer();
    expect(scanContainer(progressive)).toMatchObject({ kinds: [], disallowed: ['SOF2'] });
  });

  it('refuses hundreds of scans', async () => {
    const bytes = await clean('jpeg');
    const scan = bytes.indexOf(Buffer.from([0xff, 0xda]));
    const body = bytes.subarray(scan, -2);
    expect(reasonOf(Buffer.concat([bytes.subarray(0, scan), ...Array(101).fill(body), bytes.subarray(-2)]))).toBe(
      'corrupt',
    );
  });

  it('keeps the picture when only its metadata is damaged', async () => {
    const exif = Buffer.concat([latin1('Exif\0\0'), exifBlock([{ tag: 271, text: 'maker' }])]);
    exif.writeUInt32LE(0xffffff, 10);
    const scan = scanContainer(insertAt(await clean('jpeg'), 2, jpegSegment(0xe1, exif)));
    expect(scan.kinds).toEqual(['exif']);
  });
});

describe('PNG', () => {
  it('allows the one resolution that every published file has', async () => {
    const bytes = await clean('png');
    const other = pngChunk('pHYs', Buffer.concat([u32(2835), u32(2835), Buffer.from([1])]));
    const fixed = bytes.subarray(33, 54);
    expect(fixed.toString('latin1', 4, 8)).toBe('pHYs');
    expect(scanContainer(Buffer.concat([bytes.subarray(0, 33), other, bytes.subarray(54)]))).toMatchObject({
      kinds: ['other'],
      disallowed: ['pHYs'],
    });
  });
});

describe('Exif', () => {
  it.each([
    ['a thumbnail', exifBlock([{ tag: 271, text: 'maker' }], Buffer.alloc(20)), ['exif', 'thumbnail']],
    ['a position', exifBlock([{ tag: 34853, ifd: [{ tag: 1, text: 'N' }] }]), ['exif', 'gps']],
    ['a maker note', exifBlock([{ tag: 34665, ifd: [{ tag: 37500, text: 'note' }] }]), ['exif', 'maker-note']],
    ['a directory outside the block', exifBlock([{ tag: 34665, long: 0xffffff }]), ['exif']],
    ['nothing that can be read', latin1('II*'), ['exif']],
  ])('with %s', async (_, block, kinds) => {
    const bytes = await clean('png');
    const inserted = Buffer.concat([bytes.subarray(0, 33), pngChunk('eXIf', block), bytes.subarray(33)]);
    expect(scanContainer(inserted).kinds).toEqual(kinds);
  });
});

describe('GIF', () => {
  it('notices pixels that the data does not hold', async () => {
    const bytes = await clean('gif');
    const descriptor = bytes.indexOf(Buffer.from([0x2c, 0, 0, 0, 0]));
    bytes.writeUInt16LE(25, descriptor + 7);
    expect(reasonOf(bytes)).toBe('truncated');
  });

  it('refuses the loop extension, which a still picture has no use for', async () => {
    const bytes = await clean('gif');
    const end = bytes.length - 1;
    const loop = gifExtension(0xff, latin1('NETSCAPE2.0'), Buffer.from([1, 0, 0]));
    const scan = scanContainer(Buffer.concat([bytes.subarray(0, end), loop, bytes.subarray(end)]));
    expect(scan.disallowed).toEqual(['application extension']);
  });
});

describe('TIFF', () => {
  it.each([
    ['reduced-resolution', 1, 'thumbnail', 1],
    ['mask', 4, 'other', 1],
    ['full', 0, undefined, 2],
  ] as const)('second page: %s', async (_, subfile, kind, frames) => {
    const first = await clean('tiff');
    const start = first.length;
    const page = tiffDirectory(
      [
        { tag: 254, long: subfile },
        { tag: 256, short: 1 },
        { tag: 257, short: 1 },
      ],
      start,
    );
    const scan = scanContainer(withTiffFields(Buffer.concat([first, page]), [], start));
    expect(scan.frames).toBe(frames);
    expect(scan.kinds).toEqual(kind === undefined ? [] : [kind]);
    expect(scan.disallowed).toContain('second page');
  });

  it('takes a reduced-resolution first page for a picture that is elsewhere', async () => {
    expect(scanContainer(withTiffFields(await clean('tiff'), [{ tag: 254, long: 1 }])).frames).toBe(2);
  });

  it('refuses directories that lead back to themselves', async () => {
    const bytes = await clean('tiff');
    const loop = withTiffFields(bytes, []);
    const start = loop.readUInt32LE(4);
    loop.writeUInt32LE(start, loop.length - 4);
    const entries = loop.readUInt16LE(start);
    loop.writeUInt32LE(start, start + 2 + entries * 12);
    expect(reasonOf(loop)).toBe('corrupt');
  });

  it('refuses a chain of thousands of directories', () => {
    const directories = Array.from({ length: 5000 }, (_, i) =>
      tiffDirectory([{ tag: 256, short: 1 }], 8 + i * 18, 8 + (i + 1) * 18),
    );
    expect(reasonOf(Buffer.concat([latin1('II*\0\x08\0\0\0'), ...directories, Buffer.alloc(18)]))).toBe('corrupt');
  });

  it('does not believe counts', () => {
    const header = latin1('II*\0\x08\0\0\0');
    const huge = (tag: number): Buffer => {
      const directory = tiffDirectory(
        [
          { tag: 256, short: 1 },
          { tag: 257, short: 1 },
          { tag, bytes: Buffer.alloc(8), type: 4 },
        ],
        8,
      );
      directory.writeUInt32LE(0xffffffff, 2 + 2 * 12 + 4);
      return Buffer.concat([header, directory]);
    };
    for (const tag of [273, 330, 700, 34665]) expect(reasonOf(huge(tag)), `tag ${tag}`).toBe('truncated');
  });

  it('sees bytes that no field refers to', async () => {
    const bytes = withTiffFields(await clean('tiff'), []);
    expect(scanContainer(bytes).disallowed).toEqual(['unreferenced bytes']);
  });
});

describe('AVIF', () => {
  // An AVIF with alpha has a second item; other names for its role make it another kind of picture.
  it.each([
    ['a thumbnail', 'auxl', 'thmb', ['thumbnail'], 1],
    ['a picture of its own', 'auxl', 'cdsc', ['other'], 2],
    ['a depth map', 'systems:auxiliary:alpha', 'systems:auxiliary:depth', ['depth-map'], 1],
    ['a gain map', 'mpegB:cicp:systems:auxiliary:alpha', 'apple:photo:2020:aux:hdrgainmap', ['gain-map'], 1],
  ] as const)('knows alpha from %s', async (_, from, to, kinds, frames) => {
    const { bytes } = await hiddenUnderAlpha('avif');
    expect(scanContainer(bytes)).toMatchObject({ kinds: [], disallowed: [], frames: 1 });
    bytes.write(to, bytes.indexOf(from), 'latin1');
    const scan = scanContainer(bytes);
    expect(scan.frames).toBe(frames);
    if (frames === 1) expect(scan.kinds).toEqual(kinds);
    expect(scan.disallowed).toEqual(['item av01']);
  });

  it('sees bytes of the media box that belong to no item', async () => {
    const bytes = await clean('avif');
    const media = bytes.indexOf('mdat') - 4;
    const longer = Buffer.concat([bytes.subarray(0, media), box('mdat', bytes.subarray(media + 8), latin1('hidden'))]);
    expect(scanContainer(longer).disallowed).toEqual(['unreferenced bytes']);
  });

  it('does not believe counts', async () => {
    const bytes = await clean('avif');
    const locations = bytes.indexOf('iloc');
    bytes.set(u16(0xffff), locations + 10);
    expect(reasonOf(bytes)).toBe('corrupt');
  });
});
