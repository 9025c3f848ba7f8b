import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxToImage, type Letterbox, planLetterbox, pointToImage } from '../../src/core/letterbox.ts';
import type { Box } from '../../src/core/types.ts';

const fixed = { size: { width: 640, height: 480 }, multiple: 32 } as const;
const dynamic = { size: { longSide: 960 }, multiple: 32 } as const;

function boxToModel(box: Box, lb: Letterbox): Box {
  return {
    x1: box.x1 * lb.scaleX + lb.left,
    y1: box.y1 * lb.scaleY + lb.top,
    x2: box.x2 * lb.scaleX + lb.left,
    y2: box.y2 * lb.scaleY + lb.top,
  };
}

describe('planLetterbox', () => {
  it.each([
    // width, height, options, input, content, offset
    [1280, 720, { ...fixed, align: 'top-left' }, [640, 480], [640, 360], [0, 0]],
    [1280, 720, { ...fixed, align: 'center' }, [640, 480], [640, 360], [0, 60]],
    [600, 1200, { ...fixed, align: 'top-left' }, [640, 480], [240, 480], [0, 0]],
    [600, 1200, { ...fixed, align: 'center' }, [640, 480], [240, 480], [200, 0]],
    [640, 480, { ...fixed, align: 'center' }, [640, 480], [640, 480], [0, 0]],
    [64, 48, { ...fixed, align: 'center' }, [640, 480], [640, 480], [0, 0]],
    [1920, 1080, { ...dynamic, align: 'top-left' }, [960, 544], [960, 540], [0, 0]],
    [1080, 1920, { ...dynamic, align: 'center' }, [544, 960], [540, 960], [2, 0]],
    [100, 100, { ...dynamic, align: 'top-left' }, [960, 960], [960, 960], [0, 0]],
    [1, 1, { ...fixed, align: 'center' }, [640, 480], [480, 480], [80, 0]],
    [1, 1, { ...dynamic, align: 'top-left' }, [960, 960], [960, 960], [0, 0]],
    [1, 5000, { ...fixed, align: 'center' }, [640, 480], [1, 480], [319, 0]],
    [1, 5000, { ...dynamic, align: 'top-left' }, [32, 960], [1, 960], [0, 0]],
    [5000, 1, { ...dynamic, align: 'top-left' }, [960, 32], [960, 1], [0, 0]],
  ] as const)('%i × %i with %o', (width, height, options, input, content, offset) => {
    const lb = planLetterbox(width, height, options);
    expect([lb.width, lb.height]).toEqual(input);
    expect([lb.contentWidth, lb.contentHeight]).toEqual(content);
    expect([lb.left, lb.top]).toEqual(offset);
  });

  it.each([
    // width, height, options, input, content, offset
    [1280, 720, { ...fixed, align: 'top-left', scale: 0.25 }, [640, 480], [320, 180], [0, 0]],
    [1280, 720, { ...fixed, align: 'center', scale: 0.25 }, [640, 480], [320, 180], [160, 150]],
    [1280, 720, { ...fixed, align: 'center', scale: 0.5 }, [640, 480], [640, 360], [0, 60]],
    // No larger than fits.
    [1280, 720, { ...fixed, align: 'top-left', scale: 3 }, [640, 480], [640, 360], [0, 0]],
    [1920, 1080, { ...dynamic, align: 'top-left', scale: 9 }, [960, 544], [960, 540], [0, 0]],
    // A dynamic input is no larger than its content needs.
    [1920, 1080, { ...dynamic, align: 'top-left', scale: 0.25 }, [480, 288], [480, 270], [0, 0]],
    [64, 48, { ...dynamic, align: 'top-left', scale: 2 }, [128, 96], [128, 96], [0, 0]],
    // At least one pixel.
    [100, 9, { ...fixed, align: 'top-left', scale: 1e-6 }, [640, 480], [1, 1], [0, 0]],
  ] as const)('%i × %i at a given scale with %o', (width, height, options, input, content, offset) => {
    const lb = planLetterbox(width, height, options);
    expect([lb.width, lb.height]).toEqual(input);
    expect([lb.contentWidth, lb.contentHeight]).toEqual(content);
    expect([lb.left, lb.top]).toEqual(offset);
    expect([lb.scaleX, lb.scaleY]).toEqual([content[0] / width, content[1] / height]);
  });

  const side = fc.integer({ min: 1, max: 6000 });
  const options = fc.record({
    size: fc.oneof(
      fc.record({ width: fc.integer({ min: 1, max: 1024 }), height: fc.integer({ min: 1, max: 1024 }) }),
      fc.record({ longSide: fc.integer({ min: 1, max: 1280 }) }),
    ),
    multiple: fc.constantFrom(1, 16, 32, 128),
    align: fc.constantFrom('top-left' as const, 'center' as const),
  });

  it('fits the content inside, keeps the aspect ratio to half a pixel and pads to the multiple', () => {
    fc.assert(
      fc.property(side, side, options, (width, height, options) => {
        const lb = planLetterbox(width, height, options);
        expect(lb.left).toBeGreaterThanOrEqual(0);
        expect(lb.top).toBeGreaterThanOrEqual(0);
        expect(lb.left + lb.contentWidth).toBeLessThanOrEqual(lb.width);
        expect(lb.top + lb.contentHeight).toBeLessThanOrEqual(lb.height);
        // A side that would be less than a pixel becomes one.
        if (lb.contentWidth > 1 && lb.contentHeight > 1) {
          const skew = Math.abs(lb.contentWidth * height - lb.contentHeight * width);
          expect(skew).toBeLessThanOrEqual((width + height) / 2 + 1e-6);
        }
        if ('longSide' in options.size) {
          expect(Math.max(lb.contentWidth, lb.contentHeight)).toBe(options.size.longSide);
          expect(lb.width % options.multiple).toBe(0);
          expect(lb.height % options.multiple).toBe(0);
          expect(lb.width - lb.contentWidth).toBeLessThan(options.multiple);
          expect(lb.height - lb.contentHeight).toBeLessThan(options.multiple);
        } else {
          expect({ width: lb.width, height: lb.height }).toEqual(options.size);
          expect(lb.contentWidth === lb.width || lb.contentHeight === lb.height).toBe(true);
        }
        if (options.align === 'top-left') expect([lb.left, lb.top]).toEqual([0, 0]);
        else expect(Math.abs(lb.width - lb.contentWidth - 2 * lb.left)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('keeps to a scale that fits, and to the largest one otherwise', () => {
    fc.assert(
      fc.property(
        side,
        side,
        options,
        fc.double({ min: 1e-4, max: 3, noNaN: true }),
        (width, height, options, scale) => {
          const largest = planLetterbox(width, height, options);
          const lb = planLetterbox(width, height, { ...options, scale });
          expect(lb.contentWidth).toBe(Math.min(largest.contentWidth, Math.max(1, Math.round(width * scale))));
          expect(lb.contentHeight).toBe(Math.min(largest.contentHeight, Math.max(1, Math.round(height * scale))));
        },
      ),
    );
  });

  it('maps the content to the whole image, and any box there and back', () => {
    const share = fc.double({ min: -0.5, max: 1.5, noNaN: true });
    fc.assert(
      fc.property(side, side, options, share, share, share, share, (width, height, options, a, b, c, d) => {
        const lb = planLetterbox(width, height, options);
        const tolerance = 1e-9 * Math.max(width, height);
        const whole = boxToImage(
          { x1: lb.left, y1: lb.top, x2: lb.left + lb.contentWidth, y2: lb.top + lb.contentHeight },
          lb,
        );
        const box = { x1: a * width, y1: b * height, x2: c * width, y2: d * height };
        const back = boxToImage(boxToModel(box, lb), lb);
        for (const key of ['x1', 'y1', 'x2', 'y2'] as const) {
          expect(Math.abs(back[key] - box[key])).toBeLessThanOrEqual(tolerance);
          expect(Math.abs(whole[key] - { x1: 0, y1: 0, x2: width, y2: height }[key])).toBeLessThanOrEqual(tolerance);
        }
        expect(pointToImage({ x: box.x1, y: box.y2 }, lb)).toEqual({
          x: boxToImage(box, lb).x1,
          y: boxToImage(box, lb).y2,
        });
      }),
    );
  });
});
