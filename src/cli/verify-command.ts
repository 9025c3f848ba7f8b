import { Command } from 'commander';
import { verifyOutput } from '../outputs/verify.ts';
import { plural, printable, type Terminal } from './terminal.ts';

const SHOWN = 20;

export function verifyCommand(terminal: Terminal, exit: (code: number) => void): Command {
  return new Command('verify')
    .description('check a finished output from its bytes: checksums, records, headers, nothing foreign in any image')
    .argument('<out>', 'an output folder')
    .option('--json', 'print as JSON')
    .action(async (out: string, { json }: { json?: boolean }) => {
      const report = await verifyOutput(out);
      exit(report.problems.length > 0 ? 1 : 0);
      if (json) {
        terminal.out(`${JSON.stringify(report, null, 2)}\n`);
        return;
      }
      const withdrawn = report.withdrawn > 0 ? `${report.withdrawn} withdrawn, ` : '';
      const what = `${plural(report.images, report.kind === 'clips' ? 'clip' : 'image')}, ${report.rejected} not published, ${withdrawn}${plural(report.files, 'file')}`;
      if (report.problems.length === 0) {
        terminal.out(`Sound: ${what}. This checks integrity and metadata, not whether every face was found.\n`);
        return;
      }
      for (const problem of report.problems.slice(0, SHOWN)) terminal.out(`${printable(problem)}\n`);
      if (report.problems.length > SHOWN) terminal.out(`… and ${report.problems.length - SHOWN} more\n`);
      terminal.out(`${plural(report.problems.length, 'problem')} in ${what}\n`);
    });
}
