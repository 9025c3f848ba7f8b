import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { type BenchResult, bench } from '../bench.ts';
import { fillConfig } from '../config.ts';
import { UsageError } from '../errors.ts';
import { packageFile } from '../models/package-files.ts';
import { prepareJob } from '../prepare.ts';
import { list, number } from './parse.ts';
import { type Terminal, table } from './terminal.ts';

const IMAGE = /\.(jpe?g|png|webp|avif|tiff?)$/i;

export function benchCommand(terminal: Terminal): Command {
  return new Command('bench')
    .description('speed of the whole pipeline against its floor (decode + inference + encode), and over workers')
    .argument('[images...]', 'files or folders (default: the photographs that come with @vladmandic/face-api)')
    .option('--classes <list>', 'classes to look for (default: all)', list)
    .option('--quality <level>', 'fast | balanced | max, as in a run (default: balanced)')
    .option('--workers <list>', 'numbers of worker threads to compare', (v) => list(v).map(number), [1, 2])
    .option('--rounds <n>', 'times that each image is processed', number, 3)
    .option('--device <name>', 'execution device', 'cpu')
    .option('--json', 'print as JSON')
    .action(
      async (
        inputs: string[],
        flags: {
          classes?: string[];
          quality?: string;
          workers: number[];
          rounds: number;
          device: string;
          json?: boolean;
        },
      ) => {
        for (const workers of [...flags.workers, flags.rounds]) {
          if (!Number.isInteger(workers) || workers < 1) {
            throw new UsageError(`Expected whole numbers from 1 for --workers and --rounds but received ${workers}`);
          }
        }
        const config = fillConfig({
          inputs: ['-'],
          out: 'unused',
          device: flags.device,
          ...(flags.classes ? { classes: flags.classes } : {}),
          ...(flags.quality ? { quality: flags.quality } : {}),
        });
        const files = inputs.length > 0 ? inputs.flatMap(imagesIn) : imagesIn(packagePhotographs());
        if (files.length === 0) throw new UsageError(`Expected images but found none in ${inputs.join(', ')}`);
        const result = await bench(files, await prepareJob(config), flags);
        terminal.out(flags.json ? `${JSON.stringify(result, null, 2)}\n` : describe(result));
      },
    );
}

function packagePhotographs(): string {
  return path.dirname(packageFile('@vladmandic/face-api', 'demo/sample1.jpg'));
}

function imagesIn(input: string): string[] {
  if (!statSync(input, { throwIfNoEntry: false }))
    throw new UsageError(`Expected a file or folder but ${input} does not exist`);
  if (!statSync(input).isDirectory()) return [input];
  return readdirSync(input)
    .filter((name) => IMAGE.test(name))
    .sort()
    .map((name) => path.join(input, name));
}

function describe(result: BenchResult): string {
  const { machine } = result;
  const ms = (seconds: number): string => `${(seconds * 1000).toFixed(0)} ms`;
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}\n`,
    `${result.images} images of ${result.megapixels.toFixed(1)} megapixels on average\n\n`,
    table([
      ['floor: decode + inference + encode', ms(result.floor), 'per image on one thread'],
      ['whole pipeline', ms(result.pipeline), `${result.ofFloor.toFixed(2)} of the floor’s speed`],
      ...result.pool.map((p) => [
        `${p.workers} worker${p.workers === 1 ? '' : 's'}`,
        `${p.imagesPerSecond.toFixed(2)} images/s`,
        `${p.speedup.toFixed(2)} ×`,
      ]),
      ['peak memory', `${result.peakMemoryMiB} MiB`],
    ]),
  ].join('');
}
