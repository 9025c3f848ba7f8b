import { Command, CommanderError, Help } from 'commander';
import { ModelError, OutputError, UsageError } from '../errors.ts';
import { packageVersion } from '../prepare.ts';
import { attackCommand } from './attack-command.ts';
import { benchCommand } from './bench-command.ts';
import { evalCommand } from './eval-command.ts';
import { finalizeCommand } from './finalize-command.ts';
import { forgetCommand } from './forget-command.ts';
import { modelsCommand } from './models-command.ts';
import { replayCommand } from './replay-command.ts';
import { reportCommand } from './report-command.ts';
import { EXAMPLES, runCommand } from './run-command.ts';
import { printable, terminal as realTerminal, type Terminal } from './terminal.ts';
import { verifyCommand } from './verify-command.ts';
import { withdrawCommand } from './withdraw-command.ts';

/** Parses arguments, runs one command and sets the exit code. The only place that decides exit codes. */
export async function main(argv: readonly string[], terminal: Terminal = realTerminal): Promise<void> {
  let code = 0;
  const exit = (value: number): void => {
    code = value;
  };
  const program = new Command('anonymize')
    .usage('<input...> --out <dir> [options]\n       anonymize <command> …')
    .description(
      'Finds faces, bodies, licence plates and text in images and redacts them before anyone trains on them.',
    )
    .version(packageVersion())
    .addHelpText('after', EXAMPLES);
  const run = runCommand(terminal, exit);
  program.addCommand(run, { isDefault: true });
  program.addCommand(replayCommand(run, terminal, exit));
  program.addCommand(modelsCommand(terminal, exit));
  program.addCommand(finalizeCommand(terminal, exit));
  program.addCommand(verifyCommand(terminal, exit));
  program.addCommand(withdrawCommand(terminal));
  program.addCommand(forgetCommand(terminal));
  program.addCommand(reportCommand(terminal));
  program.addCommand(benchCommand(terminal));
  program.addCommand(evalCommand(terminal, exit));
  program.addCommand(attackCommand(terminal, exit));
  // The main job needs no command, so its options are those of the program.
  const help = new Help();
  program.configureHelp({
    visibleOptions: (command) => [...(command === program ? run.options : []), ...help.visibleOptions(command)],
  });
  for (const command of [program, ...program.commands, ...program.commands.flatMap((c) => c.commands)]) {
    command
      .exitOverride()
      .showHelpAfterError('(anonymize --help shows every option)')
      .configureOutput({
        writeOut: terminal.out,
        writeErr: terminal.err,
        outputError: (text, write) =>
          write(
            text
              .replace(/^error: /, 'anonymize: ')
              .split('\n')
              .map(printable)
              .join('\n'),
          ),
      });
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
    terminal.err(`anonymize: ${printable(error.message.trim().replace(/\s*\n\s*/g, ' '))}\n`);
    return 2;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.err(`anonymize: unexpected error: ${text.split('\n').map(printable).join('\n')}\n`);
  return 2;
}
