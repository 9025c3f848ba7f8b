import { Command } from 'commander';
import { CLASSES, type ClassName } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { findLabelledClips } from '../eval/clips/find.ts';
import { type EvaluateOptions, evaluate } from '../eval/evaluate.ts';
import { renderEvaluation } from '../eval/page.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { DEVICES } from '../models/session.ts';
import { suggest } from '../options.ts';
import { evaluateClipsAndTell } from './eval-clips.ts';
import { describeEvaluation } from './eval-table.ts';
import { assignments, list, number, numericAssignments } from './parse.ts';
import { evalCounts, ProgressLine } from './progress.ts';
import { checkTarget } from './target.ts';
import type { Terminal } from './terminal.ts';

interface EvalFlags extends Omit<EvaluateOptions, 'data' | 'map'> {
  readonly data?: string;
  readonly map?: Readonly<Record<string, string>>;
  readonly json?: string;
  readonly html?: string;
  readonly detectEvery?: number;
}

export function evalCommand(terminal: Terminal, exit: (code: number) => void): Command {
  return new Command('eval')
    .description('measure what is found and redacted on labelled photographs or clips')
    .requiredOption(
      '--data <dir>',
      'labelled photographs: annotations.json, COCO, YOLO or Pascal VOC, at any depth; or clips with labels beside them: <clip>.jsonl, <clip>.gt.txt or <clip>/gt/gt.txt (MOT)',
    )
    .option(
      '--classes <list>',
      `what to look for: ${CLASSES.join(',')}; measured where it is labelled (default: all)`,
      list,
    )
    .option('--quality <level>', 'fast | balanced | max, as in a run (default: balanced)')
    .option('--model <class=id|path,…>', 'another model for a class', assignments)
    .option('--threshold <class=score,…>', 'least score that is redacted, 0 to 1', numericAssignments)
    .option('--grow <class=fraction,…>', 'padding per side', numericAssignments)
    .option('--map <name=class,…>', 'classes of category names that are not known, such as human=body', assignments)
    .option('--images <dir>', 'where the photographs are, when they are not with the labels')
    .option('--limit <n>', 'measure at most this many photographs or clips, spread over the set', number)
    .option('--detect-every <n>', 'of clips, look at every n-th frame, as in a run (default: 1)', number)
    .option('--workers <n>', 'worker threads (default: one per core)', number)
    .option('--device <name>', `${DEVICES.join(' | ')} (default: cpu)`)
    .option('--json <file>', 'write the whole report as JSON; - prints it instead of the table')
    .option('--html <file>', 'write a page with curves and unredacted examples: not for publication')
    .action(async (flags: EvalFlags) => {
      exit(await evaluateAndTell(flags, terminal));
    });
}

async function evaluateAndTell(flags: EvalFlags, terminal: Terminal): Promise<number> {
  const { data = '', json, html, map, detectEvery, ...options } = flags;
  if (json !== undefined && json !== '-') await checkTarget('--json', json);
  if (html !== undefined) await checkTarget('--html', html);
  const mapped = map ? { map: classesOf(map) } : {};
  const clips = await findLabelledClips(data);
  if (clips.clips.length > 0) {
    return evaluateClipsAndTell(
      clips,
      { ...options, data, ...mapped, json, html, ...(detectEvery === undefined ? {} : { detectEvery }) },
      terminal,
    );
  }
  if (detectEvery !== undefined)
    throw new UsageError(`Expected labelled clips for --detect-every but found none in ${data}`);
  const progress = new ProgressLine(terminal, evalCounts);
  const evaluation = await evaluate(
    { ...options, data, ...mapped },
    { onProgress: (state) => progress.update(state) },
  ).finally(() => progress.end());
  const { report } = evaluation;
  const text = `${JSON.stringify(report, null, 2)}\n`;
  terminal.out(json === '-' ? text : describeEvaluation(report));
  if (json !== undefined && json !== '-') await writeFileAtomic(json, text);
  if (html !== undefined) {
    await writeFileAtomic(html, await renderEvaluation(evaluation), 0o600);
    terminal.err(`${html} contains unredacted photographs: not for publication\n`);
  }
  return report.failed.length > 0 ? 1 : 0;
}

/** @throws UsageError for an entry of `--map` that is not a class. */
function classesOf(map: Readonly<Record<string, string>>): Record<string, ClassName> {
  const entries = Object.entries(map).map(([name, value]) => {
    const cls = CLASSES.find((known) => known === value);
    if (cls) return [name, cls] as const;
    throw new UsageError(
      `Expected a class (${CLASSES.join(', ')}) for --map ${name} but received ${value}${suggest(value, CLASSES)}`,
    );
  });
  return Object.fromEntries(entries);
}
