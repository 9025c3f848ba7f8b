import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { anonymize, listing, photograph, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);

beforeAll(async () => {
  await write(root, {
    'photos/a.jpg': await photograph(1, 160),
    'film.mp4': 'not read',
    'shard.tar.gz': 'not read',
    'notes.txt': 'a regular file',
    'model.onnx': 'no model',
  });
  await mkdir(at('nothing'));
});

/** Arguments of the main job that would succeed, but for what a case adds. */
const RUN = ['photos', '--out', 'clean'];

describe('is refused with exit code 2 before anything is written', () => {
  it.concurrent.each<[string, string[], RegExp]>([
    ['nothing at all', [], /missing required argument 'input'\n\(anonymize --help shows every option\)/],
    ['no output', ['photos'], /a folder for --out but received nothing/],
    ['a missing folder', ['nowhere', '--out', 'clean'], /received nowhere, which does not exist/],
    ['an unknown option', [...RUN, '--clases', 'face'], /unknown option '--clases'\n\(Did you mean --classes\?\)/],
    ['an option without its value', ['photos', '--out'], /'-o, --out <dir>' argument missing/],
    [
      'an unknown class',
      [...RUN, '--classes', 'fase'],
      /face, body, plate or text.*received fase\. Did you mean face\?/,
    ],
    [
      'an unknown class of a threshold',
      [...RUN, '--threshold', 'plates=0.4'],
      /received plates\. Did you mean plate\?/,
    ],
    [
      'an unknown mode',
      [...RUN, '--redact', 'face=blurr'],
      /for --redact face but received blurr\. Did you mean blur\?/,
    ],
    ['an unknown format', [...RUN, '--format', 'tar'], /webdataset or folder for --format but received tar/],
    ['both a preset and classes', [...RUN, '--preset', 'faces', '--classes', 'face'], /either --preset or --classes/],
    ['a threshold out of range', [...RUN, '--threshold', 'face=1.5'], /0 to 1 for --threshold face but received 1\.5/],
    ['a threshold without class', [...RUN, '--threshold', '0.5'], /Expected <class>=<value> but received "0\.5"/],
    ['no workers', [...RUN, '--workers', '0'], /from 1 to 512 for --workers but received 0/],
    ['an unknown model', [...RUN, '--model', 'face=yunet-2023'], /--model face.*Did you mean yunet-2023mar\?/],
    ['a model of another class', [...RUN, '--model', 'face=centernet-mobilenetv3'], /model for face .* finds body/],
    [
      'a missing model file',
      [...RUN, '--model', 'face=./nowhere.onnx'],
      /ONNX file at \.\/nowhere\.onnx .* found none/,
    ],
    [
      'a model that is no model',
      [...RUN, '--model', 'face=./model.onnx'],
      /face=\.\/model\.onnx: expected an ONNX file/,
    ],
    [
      'an unknown quality',
      [...RUN, '--quality', 'best'],
      /fast, balanced or max for --quality but received best\. Did you mean fast\?/,
    ],
    ['a retry of nothing', [...RUN, '--retry-failed', '--overwrite'], /--retry-failed but received --overwrite/],
    [
      'a mannequin for what is blurred',
      [...RUN, '--body-fill', 'mannequin'],
      /Expected --redact body=synthetic with --body-fill/,
    ],
    ['standard input', ['-', '--out', 'clean'], /Expected "-" as the only input and --out - .* --out clean/],
    ['a clip among images', ['photos', 'film.mp4', '--out', 'clean'], /either images or clips .* \(images in photos\)/],
    [
      'a number of frames',
      [...RUN, '--frames', '5'],
      /every:<n> or every:<seconds>s, .* for --frames but received 5\. Did you mean every:5\?/,
    ],
    [
      'frames of photographs',
      [...RUN, '--frames', 'every:5'],
      /Expected clips as input for --frames but received none/,
    ],
    [
      'frames with sound',
      ['film.mp4', '--out', 'clean', '--frames', 'every:1s', '--audio', 'mask'],
      /Expected no --audio with --frames, which publishes images, but received mask/,
    ],
    [
      'frames in a container',
      ['film.mp4', '--out', 'clean', '--frames', 'every:1s', '--clip-format', 'webm'],
      /Expected no --clip-format with --frames, which publishes images, but received webm/,
    ],
    [
      'frames in parts',
      ['film.mp4', '--out', 'clean', '--frames', 'every:1s', '--shard-index', '0', '--shard-count', '2'],
      /Expected no --shard-index with --frames, which does not know it, but received one/,
    ],
    [
      'frames of clips that failed',
      ['film.mp4', '--out', 'clean', '--frames', 'every:1s', '--retry-failed'],
      /Expected no --retry-failed with --frames, since the images of a clip would move .* --overwrite begins anew/,
    ],
    ['a compressed shard', ['shard.tar.gz', '--out', 'clean'], /shard\.tar\.gz: decompress it first/],
    ['the output in the input', ['photos', '--out', 'photos/clean'], /--out outside the input/],
    ['the input in the output', ['photos/a.jpg', '--out', 'photos'], /input outside --out/],
    ['a private folder in the output', [...RUN, '--private-dir', 'clean/p'], /--private-dir and --out to be apart/],
    ['an output below a file', ['photos', '--out', 'notes.txt/clean', '--preset', 'faces'], /notes\.txt.*not a folder/],
    [
      'an output that is a file',
      ['photos', '--out', 'notes.txt', '--preset', 'faces'],
      /notes\.txt, which is not a folder/,
    ],
    ['an evaluation of nothing', ['eval'], /required option '--data <dir>' not specified/],
    ['an evaluation without labels', ['eval', '--data', 'photos'], /Expected labels below photos but found none/],
    [
      'an evaluation of no photographs',
      ['eval', '--data', 'photos', '--limit', '0'],
      /Expected a whole number from 1 for --limit but received 0/,
    ],
    [
      'an evaluation of an unknown quality',
      ['eval', '--data', 'photos', '--quality', 'maxx'],
      /--quality but received maxx\. Did you mean max\?/,
    ],
    ['a mistyped command', ['verifi', 'clean'], /received nothing\. Did you mean verify\?/],
    ['another mistyped command', ['evel'], /received nothing\. Did you mean eval\?/],
    ['an unknown model to pull', ['models', 'pull', 'nope'], /a model id .* but received nope/],
    ['a mistyped models command', ['models', 'lst'], /unknown command 'lst'\n\(Did you mean list\?\)/],
    ['a folder that is no output', ['verify', 'photos'], /output folder of this tool but photos/],
    ['control characters', ['a\u001b[31m\nb\u202e.jpg', '--out', 'clean'], /received a\uFFFD\[31m b\uFFFD\.jpg, which/],
  ])('%s', async (_, args, message) => {
    const { code, stdout, stderr } = await anonymize(args, { cwd: root });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^anonymize: /);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('and indeed nothing was', async () => {
    expect(new Set(await readdir(root))).toEqual(
      new Set(['film.mp4', 'model.onnx', 'nothing', 'notes.txt', 'photos', 'shard.tar.gz']),
    );
  });
});

describe('an empty folder', () => {
  it('is no mistake, and nothing is written', async () => {
    const { code, stdout, stderr } = await anonymize(['nothing', '--out', 'clean'], { cwd: root });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'No images in nothing: nothing was written.\n',
      stderr: '',
    });
    const asJson = await anonymize(['nothing', '--out', 'clean', '--json'], { cwd: root });
    expect(JSON.parse(asJson.stdout)).toMatchObject({ status: 'empty', total: 0, published: 0 });
    expect(await listing(at('clean'))).toEqual([]);
    expect(await readdir(root)).not.toContain('clean.private');
  });
});

describe('help', () => {
  it('shows the main job, its options and examples without naming a command', async () => {
    const { code, stdout, stderr } = await anonymize(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: anonymize <input\.\.\.> --out <dir> \[options\]\n/);
    for (const part of [
      '--redact <class=mode,…>',
      '--private-dir <dir>',
      'Examples:',
      'Exit codes:',
      'models',
      'verify',
      'eval',
    ]) {
      expect(stdout).toContain(part);
    }
    expect((await anonymize(['verify', '--help'])).stdout).toContain('Usage: anonymize verify [options] <out>');
  });

  it('survives a reader that goes away', async () => {
    const ran = await anonymize(['--help'], { through: ['sh', '-c', '"$@" | true; exit "$?"', 'sh'] });
    expect(ran.stderr).toBe('');
  });
});
