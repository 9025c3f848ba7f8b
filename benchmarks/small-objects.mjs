// Down to which height in pixels are faces and plates found in large photographs?
//   node benchmarks/small-objects.mjs --data <labelled> --backgrounds <photographs> --out <dir> [options]
// Copies labelled faces and plates at exact heights into large photographs, then measures at each quality level what
// share of them is redacted. Backgrounds may show unlabelled people and cars, and the copies' surroundings end
// abruptly, so precision and redacted background of this set mean nothing.
import { writeFile } from 'node:fs/promises';
import { UsageError } from '../dist/errors.js';
import { drawCurves } from './small-objects/chart.mjs';
import { makeSet } from './small-objects/compose.mjs';
import { smallestFound, table } from './small-objects/curve.mjs';
import { measureClass } from './small-objects/measure.mjs';
import { readOptions, USAGE } from './small-objects/options.mjs';

const say = (line) => process.stderr.write(`${line}\n`);

async function main(args) {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const options = readOptions(args);
  if (options.make) await makeSet(options, say);
  if (!options.evaluate) return;
  const measured = new Map();
  for (const cls of options.classes) {
    measured.set(cls, await measureClass(cls, options, say));
    process.stdout.write(`${table(cls, measured.get(cls).curves)}\n\n`);
    // After every class: a long run that is broken off is not lost.
    if (options.svg !== undefined) {
      await writeFile(options.svg, drawCurves(new Map([...measured].map(([name, { curves }]) => [name, curves]))));
    }
    if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(plain(measured), null, 2)}\n`);
  }
}

function plain(measured) {
  const levelsOf = ({ runs, curves }) =>
    [...curves].map(([level, curve]) => [level, { ...runs[level], smallestFound: smallestFound(curve), curve }]);
  return Object.fromEntries(
    [...measured].map(([cls, one]) => [cls, { made: one.made, levels: Object.fromEntries(levelsOf(one)) }]),
  );
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  say(`error: ${error.message}`);
  process.exitCode = 2;
}
