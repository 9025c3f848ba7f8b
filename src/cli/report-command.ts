import { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { writeReport } from '../report.ts';
import { number } from './parse.ts';
import type { Terminal } from './terminal.ts';

export function reportCommand(terminal: Terminal): Command {
  return new Command('report')
    .description('write _anonymize/report.html: what was redacted, what was not published, sample images')
    .argument('<out>', 'an output folder')
    .option('--samples <n>', 'images to show', number, 48)
    .action(async (out: string, { samples }: { samples: number }) => {
      if (!Number.isInteger(samples) || samples < 0) {
        throw new UsageError(`Expected a whole number from 0 for --samples but received ${samples}`);
      }
      terminal.out(`${await writeReport(out, samples)}\n`);
    });
}
