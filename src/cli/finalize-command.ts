import { Command } from 'commander';
import { type FinalizeProgress, type FinalizeSummary, finalize } from '../outputs/finalize.ts';
import { ProgressLine } from './progress.ts';
import { plural, printable, type Terminal, table } from './terminal.ts';

interface Flags {
  readonly privateDir?: string;
  readonly privatePassphraseFile?: string;
  readonly privateKeyFile?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export function finalizeCommand(terminal: Terminal, exit: (code: number) => void): Command {
  return new Command('finalize')
    .description(
      'end a run that was done in parts (--shard-index): check that all of it is there, write what tells of all',
    )
    .argument('<out>', 'the output folder of the parts')
    .option('--private-dir <dir>', 'their private folder (default: <out>.private)')
    .option('--private-passphrase-file <file>', 'passphrase of a private folder that is encrypted')
    .option('--private-key-file <file>', 'key of a private folder that is encrypted')
    .option('--quiet', 'print nothing but errors')
    .option('--json', 'print the summary as JSON')
    .action(async (out: string, { quiet, json, ...folder }: Flags) => {
      const progress = new ProgressLine<FinalizeProgress>(terminal, () => ['read again']);
      let summary: FinalizeSummary;
      try {
        summary = await finalize({ out, ...folder }, (state) => {
          if (!quiet) progress.update(state);
        });
      } finally {
        progress.end();
      }
      exit(summary.rejected > 0 ? 1 : 0);
      if (json) terminal.out(`${JSON.stringify(summary, null, 2)}\n`);
      else if (!quiet) terminal.out(describe(summary, out));
    });
}

function describe(
  { kind, status, parts, shards, total, published, rejected, reasons }: FinalizeSummary,
  out: string,
): string {
  const results = `${published.toLocaleString('en')} of ${plural(total, kind === 'clips' ? 'clip' : 'image')} published`;
  const read = kind === 'clips' ? plural(total, 'clip') : plural(shards, 'shard');
  const head =
    status === 'already'
      ? `Finished already: ${results} in ${printable(out)}.\n`
      : `Finalized ${printable(out)}: ${plural(parts, 'part')}, ${read} read again, ${results}.\n`;
  const rows = Object.entries(reasons).map(([reason, n]) => [n, ...reason.split('/').reverse()]);
  return rejected > 0 ? `${head}\n${rejected} not published:\n${table(rows)}` : head;
}
