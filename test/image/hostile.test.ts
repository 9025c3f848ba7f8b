import { describe, expect, it } from 'vitest';
import { FORMATS } from '../../src/core/types.ts';
import { SampleError } from '../../src/errors.ts';
import { scanContainer } from '../../src/image/container.ts';
import { decodeImage } from '../../src/image/decode.ts';
import { encoded, fromRgb, hiddenUnderAlpha, multiFrame, mutations, photo, planted } from '../fixtures/images.ts';

const OPTIONS = { limitPixels: 100_000, timeoutSeconds: 20 };
const MUTATIONS = 2000;
const image = photo(24, 16);

/** `reason` of a SampleError of stage decode; any other error is a defect and goes on. */
function reasonOf(error: unknown): string {
  if (error instanceof SampleError && error.stage === 'decode') return error.reason;
  throw error;
}

function scanOutcome(bytes: Uint8Array): string {
  try {
    return scanContainer(bytes).frames > 1 ? 'multi-frame' : 'scanned';
  } catch (error) {
    return reasonOf(error);
  }
}

async function decodeOutcome(bytes: Uint8Array): Promise<string> {
  try {
    const { rgb, alpha } = await decodeImage(bytes, OPTIONS);
    const pixels = rgb.width * rgb.height;
    expect(rgb.data.length).toBe(pixels * 3);
    expect(alpha?.length ?? pixels).toBe(pixels);
    return 'decoded';
  } catch (error) {
    return reasonOf(error);
  }
}

const files = [
  ...FORMATS.map((format) => ({ name: `clean ${format}`, make: () => encoded(fromRgb(image), format) })),
  ...FORMATS.map((format) => ({ name: `planted ${format}`, make: async () => (await planted(image, format)).bytes })),
  { name: 'lossy webp', make: () => fromRgb(image).webp().toBuffer() },
  { name: 'progressive jpeg', make: () => fromRgb(image).jpeg({ progressive: true }).toBuffer() },
  { name: 'avif with alpha', make: async () => (await hiddenUnderAlpha('avif')).bytes },
  { name: 'apng', make: () => multiFrame('apng') },
];

describe('random damage ends in a picture or a SampleError', () => {
  it.each(files)('$name', async ({ name, make }) => {
    // A planted colour profile costs milliseconds to set up, and its file is mostly metadata.
    const decodeEvery = name.startsWith('planted') ? 8 : 1;
    const outcomes = new Set<string>();
    let index = 0;
    for (const mutant of mutations(await make(), MUTATIONS)) {
      const scanned = scanOutcome(mutant);
      outcomes.add(scanned);
      if (index++ % decodeEvery !== 0) continue;
      const decoded = await decodeOutcome(mutant);
      // What cannot be walked is not decoded either, and for the same reason.
      if (scanned !== 'scanned') expect(decoded).toBe(scanned);
      outcomes.add(decoded);
    }
    // Damage without any effect would mean that the mutations do nothing.
    expect(outcomes.has('truncated') && outcomes.has('corrupt')).toBe(true);
  });
});
