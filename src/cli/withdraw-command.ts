import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { UsageError } from '../errors.ts';
import type { Asked } from '../io/find-samples.ts';
import { planWithdrawal, type WithdrawSummary, withdraw } from '../outputs/withdraw.ts';
import { plural, printable, type Terminal, table } from './terminal.ts';

const REMAINS = `What remains: the keys, in the list of withdrawn samples; the files in the input; copies of the output made before, other
outputs and replays of the same images, and files of boxes or corrections that name them; backups, snapshots and the
blocks of the disk.
`;

const NOTES = `
An image or a clip may be named by its key, its whole path, the end of its path from a folder on, its file name, or its name in an
archive. Keys and places of all other images stay. Those who have an earlier version of the output find in
_anonymize/withdrawn.jsonl which keys to drop, and in _anonymize/versions.jsonl what has changed.

${REMAINS}
Examples:
  anonymize withdraw ./clean --source 000000031 --dry-run
  anonymize withdraw ./clean --source street/anna.jpg --source IMG_2041.JPG --yes
  anonymize withdraw ./clean --from-file requests.txt --yes`;

interface Flags {
  readonly source?: readonly string[];
  readonly fromFile?: string;
  readonly privateDir?: string;
  readonly privatePassphraseFile?: string;
  readonly privateKeyFile?: string;
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function withdrawCommand(terminal: Terminal): Command {
  return new Command('withdraw')
    .description('take images or clips out of a finished output, and what the private folder knows of them')
    .argument('<out>', 'an output folder')
    .option('--source <name…>', 'which image or clip: key, path or its end, file name; may be repeated', collect)
    .option('--from-file <file>', 'names of images, one a line')
    .option('--private-dir <dir>', 'its private folder (default: <out>.private)')
    .option('--private-passphrase-file <file>', 'passphrase of a private folder that is encrypted')
    .option('--private-key-file <file>', 'key of a private folder that is encrypted')
    .option('--all', 'a name that several images have means all of them')
    .option('--dry-run', 'say what would be done, and change nothing')
    .option('--yes', 'do it: there is no way back')
    .option('--json', 'print as JSON')
    .addHelpText('after', NOTES)
    .action(async (out: string, flags: Flags) => {
      const { source: _, fromFile: __, all = false, dryRun, yes, json, ...folder } = flags;
      const asked = await askedFor(flags);
      if (!dryRun && !yes) {
        throw new UsageError(
          'Expected --yes, since withdrawn images cannot be brought back, or --dry-run; nothing was changed',
        );
      }
      if (asked.length === 0 && dryRun) throw new UsageError('Expected --source or --from-file but received nothing');
      const options = { out, asked, all, ...folder };
      const summary = await (dryRun ? planWithdrawal(options) : withdraw(options));
      terminal.out(json ? `${JSON.stringify(summary, null, 2)}\n` : describe(summary, out));
    });
}

function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/** @throws UsageError for an empty name, or a file that cannot be read. */
async function askedFor({ source = [], fromFile }: Flags): Promise<Asked[]> {
  const asked = source.map((text, i): Asked => ({ text, where: source.length > 1 ? `--source ${i + 1}` : '--source' }));
  if (asked.some(({ text }) => text === '')) {
    throw new UsageError('Expected a name of an image for --source but received an empty string');
  }
  if (fromFile === undefined) return asked;
  const text = await readFile(fromFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      `Expected a file for --from-file but received ${fromFile}, which cannot be read (${error.code})`,
    );
  });
  const lines = text.split(/\r?\n/).map((line, i): Asked => ({ text: line, where: `line ${i + 1} of ${fromFile}` }));
  return [...asked, ...lines.filter((line) => line.text.trim() !== '')];
}

function describe(summary: WithdrawSummary, out: string): string {
  const { status, samples, shards, before, version } = summary;
  const known = before.length > 0 ? `${plural(before.length, 'sample')} withdrawn before.\n` : '';
  if (status === 'nothing') return `${known}Nothing to withdraw from ${printable(out)}.\n`;
  const areClips = samples.every(({ shard }) => shard === undefined);
  const what = areClips
    ? plural(samples.length, 'clip')
    : `${plural(samples.length, 'sample')} in ${plural(shards.length, 'shard')}`;
  const head =
    status === 'dry-run'
      ? `Would withdraw ${what}:\n`
      : `${status === 'ended' ? 'Ended a withdrawal that was cut short: withdrew' : 'Withdrew'} ${what}; ${printable(out)} is version ${version} now.\n`;
  const rows = samples.map(({ key, shard, status: was }) => [
    key,
    ...(shard === undefined ? [] : [`shard ${shard}`]),
    NAMES[was],
  ]);
  return `${head}${table(rows)}${known}\n${REMAINS}`;
}

const NAMES = {
  verified: 'published',
  quarantined: 'not published',
  failed_to_anonymize: 'not published',
  withdrawn: 'withdrawn already',
} as const;
