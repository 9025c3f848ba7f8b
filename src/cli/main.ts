import { Command, CommanderError, Help } from 'commander';
import { ModelError, OutputError, UsageError } from '../errors.ts';
import { packageVersion } from '../version.ts';
import { EXAMPLES, runCommand } from './run-command.ts';
import { printable, terminal as realTerminal, type Terminal } from './terminal.ts';

type LoadCommand = (run: Command, terminal: Terminal, exit: (code: number) => void) => Promise<Command>;

/** In the order in which help lists them. Each is read from the disk only when it is needed. */
const COMMANDS: Readonly<Record<string, LoadCommand>> = {
  replay: async (run, terminal, exit) => (await import('./replay-command.ts')).replayCommand(run, terminal, exit),
  models: async (_, terminal, exit) => (await import('./models-command.ts')).modelsCommand(terminal, exit),
  finalize: async (_, terminal, exit) => (await import('./finalize-command.ts')).finalizeCommand(terminal, exit),
  verify: async (_, terminal, exit) => (await import('./verify-command.ts')).verifyCommand(terminal, exit),
  withdraw: async (_, terminal) => (await import('./withdraw-command.ts')).withdrawCommand(terminal),
  forget: async (_, terminal) => (await import('./forget-command.ts')).forgetCommand(terminal),
  report: async (_, terminal) => (await import('./report-command.ts')).reportCommand(terminal),
  bench: async (_, terminal) => (await import('./bench-command.ts')).benchCommand(terminal),
  eval: async (_, terminal, exit) => (await import('./eval-command.ts')).evalCommand(terminal, exit),
  attack: async (_, terminal, exit) => (await import('./attack-command.ts')).attackCommand(terminal, exit),
};

/** The command that is called; all of them where help lists them; none for the main job. */
function asked([, , first, ...rest]: readonly string[]): readonly LoadCommand[] {
  const isHelp = first === undefined || first === 'help' || [first, ...rest].some((arg) => /^(-h|--help)$/.test(arg));
  if (isHelp) return Object.values(COMMANDS);
  return Object.hasOwn(COMMANDS, first) ? [COMMANDS[first] as LoadCommand] : [];
}

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
  for (const load of asked(argv)) program.addCommand(await load(run, terminal, exit));
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
