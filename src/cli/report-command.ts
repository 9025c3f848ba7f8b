import { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { writeReport } from '../outputs/report.ts';
import { number } from './parse.ts';
import type { Terminal } from './terminal.ts';

interface Flags {
  readonly samples?: number;
  readonly privateDir?: string;
}

export function reportCommand(terminal: Terminal): Command {
  return new Command('report')
    .description(
      'write _anonymize/report.html: what was redacted, what was not published, sample images, moments of clips that need a look',
    )
    .argument('<out>', 'an output folder')
    .option('--samples <n>', 'images to show (default: 48), or frames of each clip (default: 24)', number)
    .option('--private-dir <dir>', 'clips: tell names and lowest scores, too, in report.html of this private folder')
    .action(async (out: string, { samples, privateDir }: Flags) => {
      if (samples !== undefined && (!Number.isInteger(samples) || samples < 0)) {
        throw new UsageError(`Expected a whole number from 0 for --samples but received ${samples}`);
      }
      terminal.out(`${await writeReport(out, { samples, privateDir })}\n`);
    });
}
