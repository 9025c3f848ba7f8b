import { Command } from 'commander';
import { type AttackOptions, attack } from '../attack/attack.ts';
import { readOriginals } from '../attack/files/originals.ts';
import { openRedacted } from '../attack/files/redactions.ts';
import { renderAttack } from '../attack/page.ts';
import type { Redaction } from '../attack/photograph.ts';
import { redactHere } from '../attack/redact-here.ts';
import { fillConfig } from '../config.ts';
import { CLASSES, MODES, type Mode } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { DEVICES } from '../models/session.ts';
import { suggest } from '../options.ts';
import { describeAttack } from './attack-table.ts';
import { assignments, list, number, numericAssignments } from './parse.ts';
import { attackCounts, ProgressLine } from './progress.ts';
import { checkTarget } from './target.ts';
import type { Terminal } from './terminal.ts';

interface AttackFlags extends Omit<AttackOptions, 'manifest'> {
  readonly modes?: string[];
  readonly pairs?: string;
  readonly privateDir?: string;
  readonly privatePassphraseFile?: string;
  readonly privateKeyFile?: string;
  readonly limit?: number;
  readonly json?: string;
  readonly html?: string;
}

const DETAILS = `
Who is on which photograph is told by sub-folders (a folder per person) or by --pairs, a JSON file of
{"identities": [["a.jpg", "b.jpg"], …]} or {"pairs": [{"a": "a.jpg", "b": "b.jpg", "same": true}, …]}.
Without either, and with one person only, faces are compared with their own source only.
What text says is taken from annotations.json beside the photographs where it has "text", else read.

<redacted> is the output of a run (--format folder, or WebDataset with its private folder), or a folder
of any tool with the same names. Instead of it, --modes redacts in memory and compares modes.
One mode goes for all classes that are looked for: with bodies among them, faces lie on redacted bodies,
so that --classes face shows what a mode does to faces alone.

Examples:
  anonymize attack ./people ./clean
  anonymize attack ./people --modes none,blur,pixelate,solid --html attack.html
  anonymize attack ./photos --pairs pairs.json --modes blur --json -

Exit codes: 0 measured · 1 measured, but some photographs could not be · 2 wrong usage or model error`;

export function attackCommand(terminal: Terminal, exit: (code: number) => void): Command {
  return new Command('attack')
    .description('measure a redaction as an adversary would: who is recognised, what is read, what is still found')
    .argument('<original>', 'folder of photographs before redaction')
    .argument('[redacted]', 'the same photographs redacted')
    .option('--modes <list>', `redact here, in memory, and compare: ${MODES.join(',')}`, list)
    .option('--pairs <file>', 'who is on which photograph')
    .option('--private-dir <dir>', 'which key was which file, for a WebDataset (default: <redacted>.private)')
    .option('--private-passphrase-file <file>', 'passphrase of a private folder that is encrypted')
    .option('--private-key-file <file>', 'key of a private folder that is encrypted')
    .option('--classes <list>', `what to look for: ${CLASSES.join(',')} (default: all)`, list)
    .option('--quality <level>', 'fast | balanced | max, as in a run (default: balanced)')
    .option('--model <class=id|path,…>', 'another model for a class', assignments)
    .option('--threshold <class=score,…>', 'least score that is redacted, 0 to 1', numericAssignments)
    .option('--limit <n>', 'attack at most this many photographs, spread over the set', number)
    .option('--workers <n>', 'worker threads (default: one per core)', number)
    .option('--device <name>', `${DEVICES.join(' | ')} (default: cpu)`)
    .option('--json <file>', 'write the whole report as JSON; - prints it instead of the table')
    .option('--html <file>', 'write a page with a plot of privacy against utility, without photographs or their names')
    .addHelpText('after', DETAILS)
    .action(async (original: string, redacted: string | undefined, flags: AttackFlags) => {
      exit(await attackAndTell(original, redacted, flags, terminal));
    });
}

async function attackAndTell(
  original: string,
  redacted: string | undefined,
  flags: AttackFlags,
  terminal: Terminal,
): Promise<number> {
  const { modes, pairs, privateDir, privatePassphraseFile, privateKeyFile, limit, json, html, ...options } = flags;
  if ((redacted === undefined) === (modes === undefined)) {
    throw new UsageError(
      `Expected either <redacted> or --modes but received ${redacted === undefined ? 'neither' : 'both'}`,
    );
  }
  if (privateDir !== undefined && redacted === undefined) {
    throw new UsageError('Expected <redacted> with --private-dir but received --modes');
  }
  // Checked before photographs are listed, which may take a while.
  const keys = {
    ...(privatePassphraseFile === undefined ? {} : { privatePassphraseFile }),
    ...(privateKeyFile === undefined ? {} : { privateKeyFile }),
  };
  fillConfig({ inputs: ['-'], out: 'unused', ...options, ...keys });
  const wanted = modes === undefined ? [] : modesOf(modes);
  if (json !== undefined && json !== '-') await checkTarget('--json', json);
  if (html !== undefined) await checkTarget('--html', html);
  const set = await readOriginals(original, {
    ...(pairs === undefined ? {} : { pairs }),
    ...(limit === undefined ? {} : { limit }),
  });
  const redactions: Redaction[] =
    redacted === undefined
      ? wanted.map((mode) => redactHere(mode, options))
      : [await openRedacted(redacted, set.photographs, privateDir, keys)];
  const progress = new ProgressLine(terminal, attackCounts);
  const report = await attack(set, redactions, options, {
    onProgress: (state) => progress.update(state),
  }).finally(() => progress.end());
  const text = `${JSON.stringify(report, null, 2)}\n`;
  terminal.out(json === '-' ? text : describeAttack(report));
  if (json !== undefined && json !== '-') await writeFileAtomic(json, text);
  if (html !== undefined) await writeFileAtomic(html, renderAttack(report));
  const incomplete = report.redactions.some((r) => r.failed.length > 0 || r.missing > 0);
  return report.failed.length > 0 || incomplete ? 1 : 0;
}

/** @throws UsageError for a mode that is none, or none at all. */
function modesOf(names: readonly string[]): Mode[] {
  if (names.length === 0) throw new UsageError(`Expected modes (${MODES.join(', ')}) for --modes but received none`);
  return [...new Set(names)].map((name) => {
    const mode = MODES.find((known) => known === name);
    if (mode) return mode;
    throw new UsageError(
      `Expected modes (${MODES.join(', ')}) for --modes but received ${name}${suggest(name, MODES)}`,
    );
  });
}
