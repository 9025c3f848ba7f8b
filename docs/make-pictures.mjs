// The pictures of README.md, from photographs that come with @vladmandic/face-api: node docs/make-pictures.mjs
// Each is cut from a photograph, redacted in one way, and nothing of it is left as it was but what README.md shows.
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { createAnonymizer } from '../dist/index.js';

const require = createRequire(import.meta.url);
const demo = path.join(path.dirname(require.resolve('@vladmandic/face-api/package.json')), 'demo');
const here = path.dirname(fileURLToPath(import.meta.url));

const faces = { file: 'sample5.jpg', part: [420, 0, 1500, 860], classes: ['face'] };
const bodies = { file: 'sample3.jpg', part: [0, 0, 1920, 1350], classes: ['face', 'body'], threshold: { body: 0.3 } };
const text = { file: 'screenshot-webcam.png', part: [0, 0, 853, 480], classes: ['face', 'text'] };

const PICTURES = [
  ...['blur', 'gaussian', 'pixelate', 'solid', 'inpaint', 'synthetic'].map((mode) => ({
    name: `face-${mode}`,
    of: faces,
    options: { redact: { face: mode } },
  })),
  {
    name: 'body-mannequin',
    of: bodies,
    options: { redact: { face: 'synthetic', body: 'synthetic' }, bodyFill: 'mannequin' },
  },
  { name: 'text-erase', of: text, options: { redact: { face: 'synthetic', text: 'synthetic' }, textFill: 'erase' } },
  { name: 'text-synthetic', of: text, options: { redact: { face: 'synthetic', text: 'synthetic' } } },
];

for (const { name, of, options } of PICTURES) {
  const [left, top, width, height] = of.part;
  const anonymizer = await createAnonymizer({
    classes: of.classes,
    threshold: of.threshold ?? {},
    workers: 1,
    seed: 4,
    ...options,
  });
  const { bytes, record } = await anonymizer.process(await readFile(path.join(demo, of.file)));
  await anonymizer.close();
  const picture = await sharp(bytes)
    .extract({ left, top, width, height })
    .resize({ width: 480 })
    .jpeg({ quality: 80, mozjpeg: true })
    .toBuffer();
  await writeFile(path.join(here, `${name}.jpg`), picture);
  process.stdout.write(`${name}: ${record.regions.map((r) => `${r.class} ${r.mode}`).join(', ')}\n`);
}
