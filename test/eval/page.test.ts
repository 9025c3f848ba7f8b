import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { curveChart } from '../../src/eval/curve-chart.ts';
import { parseXml } from '../../src/eval/labels/xml.ts';
import { renderEvaluation } from '../../src/eval/page.ts';
import { evaluation, HOSTILE } from './evaluation.ts';

async function photographFile(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'anonymize-page-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'a.png');
  await sharp({ create: { width: 100, height: 100, channels: 3, background: '#336699' } })
    .png()
    .toFile(file);
  return file;
}

const svgsOf = (page: string): string[] => page.match(/<svg[\s\S]*?<\/svg>/g) ?? [];

describe('the page', () => {
  it('escapes every name and loads nothing', async () => {
    const page = await renderEvaluation(evaluation(await photographFile()));
    expect(page).not.toContain('<img');
    expect(page).not.toContain(HOSTILE.slice(-8));
    // Once per place that shows a name.
    expect(page.split('&#60;img src=x onerror=&#34;alert(1)&#34;&#62;&#39;&#38;&#60;/svg&#62;').length).toBeGreaterThan(
      10,
    );
    expect(page).not.toMatch(/<script|<link|@import|url\(/);
    for (const [, address] of page.matchAll(/(?:href|src)="([^"]*)"/g))
      expect(address).toMatch(/^data:image\/jpeg;base64,/);
  });

  it('warns, and shows a crop for every example with well-formed drawings', async () => {
    const data = evaluation(await photographFile());
    const page = await renderEvaluation(data);
    expect(page.indexOf('not for publication')).toBeLessThan(page.indexOf('<table'));
    const examples = data.report.classes.flatMap((c) => [...c.misses, ...c.falseAlarms]);
    // A face and a line of text are missed; a face, a body and a plate are false alarms.
    expect(examples).toHaveLength(5);
    expect(page.match(/<figure>/g)).toHaveLength(5);
    const svgs = svgsOf(page);
    for (const svg of svgs) expect(parseXml(svg, 'page').name).toBe('svg');
    expect(svgs.filter((svg) => svg.includes('<image'))).toHaveLength(5);
    for (const shape of ['<ellipse', '<rect', '<polygon']) expect(page).toContain(shape);
    const jpeg = Buffer.from(page.match(/base64,([^"]+)/)?.[1] ?? '', 'base64');
    const { dominant } = await sharp(jpeg).stats();
    expect(Math.abs(dominant.b - 0x99)).toBeLessThan(24);
  });

  it('does without a photograph that has gone', async () => {
    const page = await renderEvaluation(evaluation('/nowhere/a.png'));
    expect(page.match(/could not be opened again/g)).toHaveLength(5);
  });
});

describe('the curve', () => {
  const point = (threshold: number, cover90: number | null, background: number | null, operating = false) => ({
    threshold,
    cover90,
    background,
    operating,
  });

  it('is well-formed, labelled and marks the operating point', () => {
    const chart = curveChart([point(1, 0, 0), point(0.5, 0.8, 0.05, true), point(0.1, 0.9, 0.2)], 'Coverage of face');
    expect(parseXml(chart, 'chart').name).toBe('svg');
    expect(chart).toContain('cover90, share of objects');
    expect(chart).toContain('% of pixels away from labels');
    expect(chart).toContain('threshold 0.5: cover90 0.80, background 5.0 %');
    const [, coordinates = ''] = chart.match(/polyline points="([^"]+)"/) ?? [];
    const xy = coordinates.split(' ').map((pair) => pair.split(',').map(Number));
    expect(xy).toHaveLength(3);
    // More background is further right, more coverage is higher up.
    expect(xy[0]?.[0]).toBeLessThan(xy[1]?.[0] ?? 0);
    expect(xy[0]?.[1]).toBeGreaterThan(xy[1]?.[1] ?? Infinity);
  });

  it.each<[string, ReturnType<typeof point>[]]>([
    ['no points', []],
    ['no objects', [point(0.5, null, 0.2, true)]],
  ])('is left out with %s', (_, curve) => {
    expect(curveChart(curve, 'Coverage')).toBe('');
  });

  it('stays finite without any background', () => {
    expect(curveChart([point(0.5, 1, 0, true)], 'Coverage')).not.toMatch(/NaN|Infinity/);
  });
});
