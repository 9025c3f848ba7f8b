import { spawnSync } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OutputError } from '../../src/errors.ts';
import { folderShards } from '../../src/io/folder-sink.ts';
import {
  type FakeSample,
  filesIn,
  hasProgram,
  rejected,
  scratch,
  sink,
  sinkOptions,
  verified,
} from '../fixtures/ioHelpers.ts';

async function run(samples: readonly FakeSample[], more = {}): Promise<{ out: string; files: Map<string, Buffer> }> {
  const root = await scratch();
  const options = sinkOptions(root, samples.length, { format: 'folder', ...more });
  await sink(options, samples);
  return { out: options.out, files: await filesIn(options.out) };
}

function images(files: Map<string, Buffer>): Record<string, string> {
  return Object.fromEntries(
    [...files].filter(([path]) => !path.startsWith('_anonymize/')).map(([p, b]) => [p, String(b)]),
  );
}

describe('the folder sink', () => {
  it('mirrors the tree and changes an extension only when the format is another', async () => {
    const { files } = await run([
      { path: 'IMG 1.JPG', outcome: verified('0') },
      { path: 'a/b/it\'s "x".jpeg', outcome: verified('1') },
      { path: 'a/new\nline.jfif', outcome: verified('2') },
      { path: 'a/漢字.tif', outcome: verified('3', 'tiff') },
      { path: 'a/c.png', outcome: verified('4') },
      { path: 'a/d.v2.jpg', outcome: verified('5', 'webp') },
      { path: 'scan', outcome: verified('6', 'png') },
      { path: 'gone.jpg', outcome: rejected('truncated') },
    ]);
    expect(images(files)).toEqual({
      'IMG 1.JPG': '0',
      'a/b/it\'s "x".jpeg': '1',
      'a/new\nline.jfif': '2',
      'a/漢字.tif': '3',
      'a/c.jpg': '4',
      'a/d.v2.webp': '5',
      'scan.png': '6',
    });
  });

  it('logs where each sample is', async () => {
    const { files } = await run([
      { path: 'a/x.png', outcome: verified('0') },
      { path: 'gone.jpg', outcome: rejected('truncated') },
    ]);
    expect([...files.keys()]).toEqual([
      '_anonymize/SHA256SUMS',
      '_anonymize/redactions/00000.jsonl',
      '_anonymize/run.json',
      'a/x.jpg',
    ]);
    const [first, second] = String(files.get('_anonymize/redactions/00000.jsonl'))
      .split('\n')
      .map((l) => l && JSON.parse(l));
    expect(first).toEqual({ ...verified('0').record, key: '000000000', file: 'a/x.jpg' });
    expect(second).toEqual({ v: 1, key: '000000001', status: 'quarantined', stage: 'decode', reason: 'truncated' });
  });

  it('gives names that meet, also by case or composition, a number; a failed sample keeps its own', async () => {
    const { files } = await run([
      { path: 'a.jpg', outcome: verified('0') },
      { path: 'a.png', outcome: verified('1') },
      { path: 'A.JPG', outcome: verified('2') },
      { path: '\u00e9.jpg', outcome: verified('3') },
      { path: 'e\u0301.jpg', outcome: verified('4') },
      { path: 'b.jpg', outcome: rejected('truncated') },
      { path: 'b.png', outcome: verified('5') },
      { path: 'a.jpg/inner.jpg', outcome: verified('6') },
      { path: 'folder.jpg/x.jpg', outcome: verified('7') },
      { path: 'folder.jpg', outcome: verified('8') },
    ]);
    expect(images(files)).toEqual({
      'a.jpg': '0',
      'a~1.jpg': '1',
      'A~2.JPG': '2',
      '\u00e9.jpg': '3',
      'e\u0301~1.jpg': '4',
      'b~1.jpg': '5',
      'a~3.jpg/inner.jpg': '6',
      'folder.jpg/x.jpg': '7',
      'folder~1.jpg': '8',
    });
  });

  it('keeps the folder of the logs and the staging folders for itself', async () => {
    const { files } = await run([
      { path: '_Anonymize/run.json.jpg', outcome: verified('0') },
      { path: '_anonymize', outcome: verified('1') },
      { path: '.staging-00000/x.jpg', outcome: verified('2') },
    ]);
    expect(images(files)).toEqual({
      '_Anonymize~1/run.json.jpg': '0',
      '_anonymize.jpg': '1',
      '.staging-00000~1/x.jpg': '2',
    });
  });

  it('puts a class index beside its image', async () => {
    const { files } = await run(
      [
        { path: 'a.left.jpg', outcome: verified('0'), cls: '7' },
        { path: 'a.png', outcome: verified('1', 'png'), cls: '8' },
        { path: 'a.jpg', outcome: verified('2'), cls: '9' },
      ],
      { hasCls: true },
    );
    expect(images(files)).toEqual({
      'a.left.jpg': '0',
      'a.left.cls': '7',
      'a.png': '1',
      'a.cls': '8',
      'a~1.jpg': '2',
      'a~1.cls': '9',
    });
  });

  it('shortens names that no file system takes', async () => {
    const { files } = await run([
      { path: `${'漢'.repeat(200)}/${'n'.repeat(300)}.jpg`, outcome: verified('0') },
      { path: `${'漢'.repeat(200)}/${'n'.repeat(301)}.jpg`, outcome: verified('1') },
    ]);
    const names = Object.keys(images(files));
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(/^漢{80}\/n+(~1)?\.jpg$/);
  });

  it.each(['../x.jpg', 'a/../../x.jpg', '/etc/x.jpg', 'a//x.jpg', './x.jpg', 'a/\0.jpg', ''])(
    'refuses to write to %j',
    async (path) => {
      const root = await scratch();
      const options = sinkOptions(root, 1, { format: 'folder' });
      await expect(sink(options, [{ path, outcome: verified('x') }])).rejects.toBeInstanceOf(OutputError);
      expect([...(await filesIn(options.out)).keys()]).toEqual(['_anonymize/run.json']);
    },
  );

  it.runIf(hasProgram('sha256sum', /GNU coreutils/))(
    'has checksums that sha256sum checks, for awkward names too',
    async () => {
      const { out } = await run([
        { path: 'new\nline \\ "q".jpg', outcome: verified('0') },
        { path: 'é/x.jpg', outcome: verified('1') },
      ]);
      const { stdout, status } = spawnSync('sha256sum', ['-c', join('_anonymize', 'SHA256SUMS')], {
        cwd: out,
        encoding: 'utf8',
      });
      expect([status, stdout.match(/: OK/g)?.length]).toEqual([0, 3]);
    },
  );
});

it('gives up a shard without what another part of the run has put into its folders', async () => {
  const root = await scratch();
  const format = folderShards(root);
  const publish = async (name: string, relativePath: string) => {
    const shard = await format.open(name);
    const sample = { index: 0, origin: { path: `/in/${relativePath}` }, relativePath };
    await shard.add('000000000', sample, verified(relativePath));
    await shard.verify();
    await shard.publish();
    return shard;
  };
  const given = await publish('00000', 'a/b/c/x.jpg');
  await publish('00001', 'a/b/y.jpg');
  await given.discard();
  expect([...(await filesIn(root)).keys()]).toEqual(['a/b/y.jpg']);
  await expect(access(join(root, 'a/b/c'))).rejects.toThrow(/ENOENT/);
});
