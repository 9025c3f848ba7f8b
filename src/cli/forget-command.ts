import { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { forget } from '../io/forget.ts';
import { plural, printable, type Terminal } from './terminal.ts';

const MEANING = `What is gone with it: which sample came from which file, exact boxes and scores, why images were not published, and
the keys: source ids in the output can no longer be matched with any file. The published images stay as they are, and
nobody can tell any more from this machine whose they were; nor can a person's images be found and withdrawn, a run be
resumed or replayed, or its failures be looked into. Backups, snapshots and the blocks of the disk may still hold what was
deleted; what was encrypted is of no use there without its key.age and the passphrase or key.
`;

export function forgetCommand(terminal: Terminal): Command {
  return new Command('forget')
    .description('delete what a private folder knows of sources, so that published images cannot be led back to them')
    .argument('<private-dir>', 'private folder of a run')
    .option('--yes', 'do it: there is no way back')
    .addHelpText('after', `\n${MEANING}`)
    .action(async (privateDir: string, { yes }: { yes?: boolean }) => {
      if (!yes) {
        throw new UsageError(
          `Expected --yes, since what ${privateDir} knows cannot be brought back; nothing was deleted`,
        );
      }
      const files = await forget(privateDir);
      terminal.out(`Deleted ${printable(privateDir)} with ${plural(files.length, 'file')}.\n${MEANING}`);
    });
}
