import { Command } from 'commander';
import { type ClipReplayOptions, holdsClips, openClipReplay } from '../clips/replay.ts';
import { UsageError } from '../errors.ts';
import { openReplay, type ReplayOptions } from '../outputs/replay.ts';
import { executeClips } from './clip-run.ts';
import { execute } from './run-command.ts';
import type { Terminal } from './terminal.ts';

/** Options of the main job that would need detectors, or another cut into shards. */
const OF_THE_RUN = [
  '--from-file',
  '--boxes',
  '--model',
  '--quality',
  '--labels',
  '--keep',
  '--samples-per-shard',
  '--retry-failed',
  '--single-pass',
  '--look-ahead',
  '--shard-index',
  '--shard-count',
];

const NOTES = `
What is not said stays as it was in the earlier run (defaults above are those of a new run); with nothing
said, images, shards and clips are the same, byte for byte. Keys, order and shards stay in any case. Images
and clips that are gone or have changed since are quarantined (source-gone, source-changed).

Example:
  anonymize replay ./clean.private --out ./clean-solid --redact face=solid --threshold face=0.8`;

/** @param run the main job's command, whose options a replay has, too. */
export function replayCommand(run: Command, terminal: Terminal, exit: (code: number) => void): Command {
  const command = new Command('replay')
    .description('redact the images or clips of an earlier run again, from the detections in its private folder')
    .argument('<private-dir>', 'private folder of a finished run');
  for (const option of run.options) if (!OF_THE_RUN.includes(option.long ?? '')) command.addOption(option);
  return command.addHelpText('after', NOTES).action(async (folder: string, flags: Record<string, unknown>) => {
    const { quiet, json, ...options } = flags;
    if (options.out === undefined) throw new UsageError('Expected a folder for --out but received nothing');
    if (options.out === '-')
      throw new UsageError('Expected a folder for --out of a replay but received standard output');
    if (holdsClips(folder)) {
      const clips = await openClipReplay(folder, options as ClipReplayOptions);
      return exit(
        await executeClips(clips.config, (hooks) => clips.run(hooks), { quiet, json }, terminal, 'redacting again:'),
      );
    }
    const replay = await openReplay(folder, options as ReplayOptions);
    exit(await execute(replay.config, (hooks) => replay.run(hooks), { quiet, json }, terminal, 'redacting again:'));
  });
}
