// What does each element of detection add, and what does it cost?
//   node benchmarks/ablation.mjs --data <labelled> [--only face,text] [--face <model>] [--plate <model>] [--json file]
// <labelled> holds the folders faces, persons, plates and text. Every line is a run with one thing changed; times are
// those of the detection stages, mean per photograph, and mean something only beside each other.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../dist/errors.js';
import { evaluate } from '../dist/eval/evaluate.js';
import { loadManifest } from '../dist/models/manifest.js';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    only: { type: 'string', default: 'face,body,plate,text' },
    face: { type: 'string' },
    plate: { type: 'string' },
    json: { type: 'string' },
  },
});
if (!values.data) throw new UsageError('Expected a folder of labelled photographs for --data but received nothing');
const model = Object.fromEntries(['face', 'plate'].flatMap((cls) => (values[cls] ? [[cls, values[cls]]] : [])));

const FOLDERS = { face: 'faces', body: 'persons', plate: 'plates', text: 'text' };
/** Without it there is no evidence of text on plates. */
const BESIDE = { plate: ['plate', 'text'] };
/** A change of the level that all models are measured at. */
const without = (...keys) => ({
  quality: 'balanced',
  change: (level) => {
    for (const key of keys) delete level[key];
  },
});
const VARIANTS = {
  face: {
    fast: { quality: 'fast' },
    balanced: { quality: 'balanced' },
    '… without the mirror image': without('mirror'),
    '… without growth': { quality: 'balanced', grow: 0 },
    max: { quality: 'max' },
    '… without tiles': { quality: 'max', change: (level) => delete level.tiles },
  },
  body: {
    fast: { quality: 'fast' },
    balanced: { quality: 'balanced' },
    '… without growth': { quality: 'balanced', grow: 0 },
    max: { quality: 'max' },
    '… without the smaller look': { quality: 'max', change: (level) => delete level.shrink },
  },
  plate: {
    fast: { quality: 'fast' },
    balanced: { quality: 'balanced' },
    '… without the smaller look': without('shrink'),
    '… without looks at vehicles': without('searchIn'),
    '… without both': without('shrink', 'searchIn'),
    '… without text beside it': { quality: 'balanced', classes: ['plate'] },
    '… without growth': { quality: 'balanced', grow: 0 },
    max: { quality: 'max' },
  },
  text: {
    fast: { quality: 'fast' },
    balanced: { quality: 'balanced' },
    '… without growth': { quality: 'balanced', grow: 0 },
    max: { quality: 'max' },
    '… without tiles': { quality: 'max', change: (level) => delete level.tiles },
  },
};

function changed(change, quality) {
  const manifest = structuredClone(loadManifest());
  const levels = [...Object.values(manifest.families), ...manifest.models.flatMap((m) => m.levels ?? [])];
  for (const level of levels) change?.(level[quality]);
  return manifest;
}

const results = [];
for (const cls of values.only.split(',')) {
  process.stdout.write(`\n${cls}\n`);
  for (const [name, { quality, change, grow, classes = BESIDE[cls] ?? [cls] }] of Object.entries(VARIANTS[cls])) {
    const { report } = await evaluate({
      data: path.join(values.data, FOLDERS[cls]),
      classes,
      quality,
      manifest: changed(change, quality),
      ...(model[cls] ? { model: { [cls]: model[cls] } } : {}),
      ...(grow === undefined ? {} : { grow: { [cls]: grow } }),
    });
    const measured = report.classes.find((c) => c.class === cls);
    const { decode: _, ...stages } = report.msPerImage;
    const ms = Object.values(stages).reduce((sum, n) => sum + n, 0);
    results.push({ cls, name, cover90: measured.cover90.value, background: measured.background, ms });
    process.stdout.write(
      `  ${name.padEnd(32)} cover90 ${measured.cover90.value.toFixed(3)}  background ${(100 * measured.background).toFixed(2)} %  ${ms.toFixed(0)} ms\n`,
    );
  }
}
if (values.json) await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`);
