import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readLabels } from '../../../src/eval/labels/read.ts';

const data = fileURLToPath(new URL('../../../../shared/data/dev', import.meta.url));

describe.skipIf(!existsSync(data))(
  'labelled photographs for measuring (skipped where ../shared/data/dev is absent)',
  () => {
    it.each([
      ['faces', 'face', 419, 3584, 1126],
      ['persons', 'body', 128, 254, 0],
      ['plates', 'plate', 322, 339, 0],
      ['text', 'text', 210, 2065, 1227],
    ] as const)('reads %s', async (folder, cls, images, objects, ignored) => {
      const set = await readLabels(`${data}/${folder}`);
      const all = set.images.flatMap((image) => image.objects);
      expect(set.formats).toEqual(['native']);
      expect(set.images).toHaveLength(images);
      expect(all).toHaveLength(objects);
      expect(all.filter((object) => object.ignore)).toHaveLength(ignored);
      expect(new Set(all.map((object) => object.class))).toEqual(new Set([cls]));
      expect(all.some((object) => 'text' in object.attributes)).toBe(false);
    });

    it('reads all of it at once, each image for its own class', async () => {
      const set = await readLabels(data);
      expect(set.images).toHaveLength(419 + 128 + 322 + 210);
      expect(set.images.every((image) => image.labelled.length === 1)).toBe(true);
      expect(set.unmapped).toEqual({});
    });
  },
);
