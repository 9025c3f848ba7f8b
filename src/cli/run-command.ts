import { Command } from 'commander';
import { listClips } from '../clips/list.ts';
import { type Config, fillConfig } from '../config.ts';
import { CLASSES, MODES } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { DEVICES } from '../models/session.ts';
import { CLIP_FORMATS, ENCODINGS, LOG_GEOMETRY, OUTPUT_FORMATS, PRESETS, suggest } from '../options.ts';
import { BODY_FILLS, TEXT_FILLS } from '../redact/fills.ts';
import type { RunHooks, RunSummary } from '../run.ts';
import { AUDIO_MODES } from '../video/types.ts';
import { runClipFilter } from './clip-filter.ts';
import { executeClips } from './clip-run.ts';
import { isFilter, runFilter } from './filter.ts';
import { follow, type Telling } from './follow.ts';
import { executeFrames } from './frame-run.ts';
import { assignments, list, modes, number, numericAssignments } from './parse.ts';
import { partOptions, shardIndex } from './part.ts';
import { ProgressLine, runCounts } from './progress.ts';
import { describeSummary } from './summary.ts';
import { plural, type Terminal } from './terminal.ts';

/** Shown below the help of the main job. */
export const EXAMPLES = `
Examples:
  anonymize ./photos --out ./clean
  anonymize ./photos --out ./clean --preset street --redact plate=solid
  anonymize shard-00000.tar shard-00001.tar --out ./clean --encode jpeg
  anonymize ./photos --out ./clean --format folder --redact face=pixelate,text=none
  anonymize ./photos --out ./clean --redact face=synthetic,plate=synthetic,text=solid,body=none
  anonymize - --out - < shard.tar > clean.tar
  anonymize street.mp4 --out ./clean --audio drop
  anonymize ./clips --out ./clean --frames every:5
  ffmpeg -i rtsp://… -f matroska - | anonymize - --single-pass --out - > clean.mkv

The same command again goes on with a run that was interrupted or killed; --retry-failed tries what
it could not publish.

Exit codes: 0 everything published · 1 some samples were not published · 2 wrong usage, model or
output error · 130 interrupted`;

/** Options of the main job, in the order in which help lists them. */
export function runCommand(terminal: Terminal, exit: (code: number) => void): Command {
  return new Command('run')
    .description('anonymize images into shards or a folder, with a redaction log per image')
    .argument(
      '[input...]',
      'folders, image files, WebDataset .tar shards; video files and folders of them; - for a tar from standard input',
    )
    .option('-o, --out <dir>', 'where the anonymized set goes (required); - for standard output')
    .option('--classes <list>', `what to look for: ${CLASSES.join(',')} (default: all)`, list)
    .option(
      '--preset <name>',
      `${Object.entries(PRESETS)
        .map(([k, v]) => `${k} = ${v.join('+')}`)
        .join('; ')}`,
    )
    .option('--redact <class=mode,…>', `${MODES.join(' | ')}, for all or by class (default: blur)`, modes)
    .option('--fill <colour>', 'CSS colour of solid (default: black)')
    .option('--body-fill <what>', `synthetic bodies: ${BODY_FILLS.join(' | ')} (default: erase)`)
    .option('--text-fill <what>', `synthetic text: ${TEXT_FILLS.join(' | ')} (default: glyphs)`)
    .option('--seed <n>', 'another one gives other replacements (default: 0)', number)
    .option(
      '--pseudonyms <which>',
      'fresh: every image has its own replacements; stable: the images of a folder share them (default: fresh)',
    )
    .option(
      '--grow <class=fraction,…>',
      'padding per side, as a fraction of the box or of a text line’s height',
      numericAssignments,
    )
    .option('--threshold <class=score,…>', 'least score that is redacted, 0 to 1', numericAssignments)
    .option('--model <class=id|path,…>', 'another model for a class; see anonymize models list', assignments)
    .option('--quality <level>', 'how closely to look: fast | balanced | max (default: balanced)')
    .option('--from-file <list>', 'images from a list (JSON lines: path, and key, label, boxes) in the place of inputs')
    .option('--boxes <file>', 'redact these regions (JSON lines, or annotations.json) and look for nothing')
    .option('--corrections <file>', 'regions to add, remove or change, by a person (JSON lines)')
    .option('--format <name>', `${OUTPUT_FORMATS.join(' | ')} (default: webdataset)`)
    .option(
      '--labels <where>',
      'folders: the class index of the uppermost folder of each image, as .cls and a column | yolo | voc | coco | masks | metadata: files beside the images (auto: whichever there is); see --keep (default: none)',
    )
    .option('--dali-index', 'write an index for NVIDIA DALI beside each shard (00000.idx)')
    .option('--hf-metadata', 'write metadata.jsonl for Hugging Face’s datasets into a folder of images')
    .option(
      '--keep <list>',
      'what passes as it is: cls, labels, key, json.<field>, extensions of tar members such as txt, or none (default: cls)',
      list,
    )
    .option(
      '--label-loss <share>',
      'labelled objects that lose more of their area to redaction are listed (default: 0.2)',
      number,
    )
    .option('--protect-labels <list>', 'categories of labelled objects in which only faces are redacted', list)
    .option('--samples-per-shard <n>', 'input samples per shard (default: 1000)', number)
    .option(
      '--shard-index <i>',
      'do only this part of the run, from 0; auto: as SLURM or Kubernetes number it',
      shardIndex,
    )
    .option('--shard-count <n>', 'parts of the run, each of its own process; anonymize finalize ends it', number)
    .option('--encode <format>', `${ENCODINGS.join(' | ')} (default: keep)`)
    .option('--jpeg-quality <n>', '1 to 100 (default: 92)', number)
    .option('--detect-every <n>', 'clips: look at every n-th frame, and follow things between (default: 1)', number)
    .option('--single-pass', 'clips: read them once, as they arrive; also a stream: anonymize - --single-pass --out -')
    .option('--look-ahead <n>', 'clips in a single pass: frames that each frame waits for (default: 32)', number)
    .option('--audio <what>', `clips: ${AUDIO_MODES.join(' | ')} (default: drop)`)
    .option('--clip-format <name>', `clips: ${CLIP_FORMATS.join(' | ')} (default: mp4)`)
    .option('--frames <which>', 'clips: images of every:<n>-th frame, or every:<seconds>s, in the place of clips')
    .option('--log-geometry <level>', `${LOG_GEOMETRY.join(' | ')}: boxes in the public log (default: coarse, 16 px)`)
    .option('--private-dir <dir>', 'names, scores and reasons, not for publication (default: <out>.private)')
    .option('--private-passphrase-file <file>', 'encrypt the private folder with the passphrase in this file')
    .option('--private-key-file <file>', 'encrypt it to the key in this file (age-keygen)')
    .option('--source-ids', 'records tell the HMAC of the source, under a key that stays in the private folder')
    .option('--workers <n>', 'worker threads (default: one per core)', number)
    .option('--device <name>', `${DEVICES.join(' | ')} (default: cpu)`)
    .option('--limit-pixels <n>', 'larger images are quarantined (default: 1e8)', number)
    .option('--time-limit <seconds>', 'slower images are given up (default: 120)', number)
    .option('--resume', 'go on with an unfinished run of the same settings and inputs (default)')
    .option('--no-resume', 'refuse a folder that has content, also of an unfinished run')
    .option('--retry-failed', 'do again what an earlier run could not publish; the rest is kept as it is')
    .option('--overwrite', 'replace the output of an earlier run')
    .option('--quiet', 'print nothing but errors')
    .option('--json', 'print the summary as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (inputs: string[], flags: Record<string, unknown>, command: Command) => {
      if (isFilter(inputs, flags.out) && flags.singlePass) return exit(await runClipFilter(inputs, flags, terminal));
      if (isFilter(inputs, flags.out)) {
        exit(await runFilter(inputs, flags, terminal));
        return;
      }
      const { quiet, json, ...options } = flags;
      if (inputs.length === 0 && options.fromFile === undefined) {
        command.error("error: missing required argument 'input'", { code: 'commander.missingArgument' });
      }
      const config = configOf(inputs, options);
      const clips = await listClips(config);
      if (config.frames) return exit(await executeFrames(config, config.frames, clips, { quiet, json }, terminal));
      if (clips) {
        const { runClips } = await import('../clips/run.ts');
        return exit(await executeClips(config, (hooks) => runClips(config, clips, hooks), { quiet, json }, terminal));
      }
      const { run } = await import('../run.ts');
      exit(await execute(config, (hooks) => run(config, hooks), { quiet, json }, terminal));
    });
}

function configOf(inputs: string[], options: Record<string, unknown>): Config {
  if (options.out === undefined) {
    // A mistyped command looks like an input.
    const hint = suggest(inputs[0] ?? '', [
      'replay',
      'models',
      'verify',
      'report',
      'bench',
      'eval',
      'attack',
      'forget',
      'finalize',
      'withdraw',
    ]);
    throw new UsageError(`Expected a folder for --out but received nothing${hint}`);
  }
  return fillConfig({ inputs, ...partOptions(options, process.env) });
}

/**
 * Runs a job with its progress line and summary, and drains it at Ctrl-C.
 * @param verb what it does to find the classes, for the first line; by default, as its models say.
 * @returns the exit code.
 */
export async function execute(
  config: Config,
  job: (hooks: RunHooks) => Promise<RunSummary>,
  telling: Telling,
  terminal: Terminal,
  verb?: string,
): Promise<number> {
  const progress = new ProgressLine(terminal, runCounts);
  const shown: RunHooks = {
    onResume: () => terminal.err('Going on with an earlier run: reading its shards again\n'),
    onStart: (start) => terminal.err(describeStart(start, config, verb)),
    onProgress: (state) => progress.update(state),
  };
  return follow(job, telling, terminal, progress, shown, (summary) => describeSummary(summary, config));
}

function describeStart(
  start: Pick<RunSummary, 'total' | 'kept' | 'models' | 'workers' | 'device' | 'notices'>,
  config: Config,
  verb = start.models.every((model) => model.endsWith('@given')) ? 'given:' : 'looking for',
): string {
  const kept = start.kept > 0 ? `${start.kept.toLocaleString('en')} done before, ` : '';
  const part = config.part ? ` (part ${config.part.index} of ${config.part.count})` : '';
  const head = `${plural(start.total, 'image')}${part}, ${kept}${plural(start.workers, 'worker')} on ${start.device.join('+')}, ${verb} ${config.classes.join(', ')}\n`;
  return head + start.notices.map((n) => `Note: ${n}\n`).join('');
}
