import { Command, CommanderError } from 'commander';
import { ModelError, OutputError, UsageError } from '../errors.ts';
import { packageVersion } from '../prepare.ts';
import { benchCommand } from './bench-command.ts';
import { modelsCommand } from './models-command.ts';
import { reportCommand } from './report-command.ts';
import { runCommand } from './run-command.ts';
import { terminal as realTerminal, type Terminal } from './terminal.ts';
import { verifyCommand } from './verify-command.ts';

/** Parses arguments, runs one command and sets the exit code. The only place that decides exit codes. */
export async function main(argv: readonly string[], terminal: Terminal = realTerminal): Promise<void> {
  let code = 0;
  const exit = (value: number): void => {
    code = value;
  };
  const program = new Command('anonymize')
    .description(
      'Finds faces, bodies, licence plates and text in images and redacts them before anyone trains on them.',
    )
    .version(packageVersion())
    .showHelpAfterError('(anonymize --help shows every option)');
  program.addCommand(runCommand(terminal, exit), { isDefault: true });
  program.addCommand(modelsCommand(terminal, exit));
  program.addCommand(verifyCommand(terminal, exit));
  program.addCommand(reportCommand(terminal));
  program.addCommand(benchCommand(terminal));
  for (const command of [program, ...program.commands, ...program.commands.flatMap((c) => c.commands)]) {
    command.exitOverride().configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  }
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    code = report(error, terminal);
  }
  process.exitCode = code;
}

/** Says what went wrong in one sentence and returns the exit code. */
function report(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError || error instanceof ModelError || error instanceof OutputError) {
    terminal.err(`anonymize: ${error.message}\n`);
    return 2;
  }
  terminal.err(`anonymize: unexpected error: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
  return 2;
}
