import { Command } from 'commander';
import { fillConfig } from '../config.ts';
import { CLASSES } from '../core/types.ts';
import { ModelError } from '../errors.ts';
import { cacheDir, readCached } from '../models/cache.ts';
import { findModel, loadManifest, type ModelSpec, type Role } from '../models/manifest.ts';
import { pullModel } from '../models/pull.ts';
import { DEVICES, openSession } from '../models/session.ts';
import { locateModel } from '../models/store.ts';
import { prepareJob } from '../prepare.ts';
import { WorkerPool } from '../worker/pool.ts';
import { type Terminal, table } from './terminal.ts';

export function modelsCommand(terminal: Terminal, exit: (code: number) => void): Command {
  const command = new Command('models').description('list, build, check and pull detection models');
  command
    .command('list')
    .description('what each model finds, whether it is on this machine, and its licence')
    .option('--json', 'print as JSON')
    .action(async ({ json }: { json?: boolean }) => listModels(terminal, json === true));
  command
    .command('build')
    .description('compile or simplify the models that npm packages ship (otherwise done on first use)')
    .action(async () => buildModels(terminal));
  command
    .command('check')
    .description('open every model on this machine and look at a photograph with known content')
    .option('--device <name>', DEVICES.join(' | '), 'cpu')
    .action(async ({ device }: { device: string }) => exit(await checkModels(terminal, device)));
  command
    .command('pull')
    .description('download a model by its URL and verify its SHA-256')
    .argument('<id...>')
    .action(async (ids: string[]) => {
      for (const id of ids) await pull(terminal, id);
    });
  return command;
}

/** What a network that detects nothing is used for. */
const USE_OF_ROLE: Readonly<Record<Role, string>> = {
  'face-landmarks': 'synthetic faces',
  'synthetic-face': 'synthetic faces',
  'body-pose': 'mannequins',
  'face-recognition': 'attack',
  'text-recognition': 'attack',
  'image-features': 'attack',
};

type Listed = Pick<ModelSpec, 'id' | 'source'>;

async function stateOf(spec: Listed): Promise<string> {
  const { source } = spec;
  if (source.kind === 'derived') return `derived from ${source.from.join(' + ')}`;
  if (source.kind === 'npm') {
    if (!source.simplified || (await readCached(cacheDir(), source.simplified))) return 'ready';
    return 'simplified on first use';
  }
  if (source.kind === 'project' || source.kind === 'project-data')
    return (await isSound(spec)) ? 'ready' : 'missing or damaged';
  if (await readCached(cacheDir(), source.sha256)) return 'ready';
  return source.kind === 'compiled' ? 'compiled on first use' : 'not pulled';
}

async function isSound(spec: Listed): Promise<boolean> {
  try {
    await locateModel(spec);
    return true;
  } catch (error) {
    if (error instanceof ModelError) return false;
    throw error;
  }
}

async function listModels(terminal: Terminal, json: boolean): Promise<void> {
  const withState = async <T extends Listed>(spec: T): Promise<T & { state: string }> => ({
    ...spec,
    state: await stateOf(spec),
  });
  const manifest = loadManifest();
  const models = await Promise.all(manifest.models.map(withState));
  const auxiliary = await Promise.all(manifest.auxiliary.map(withState));
  if (json) {
    terminal.out(`${JSON.stringify([...models, ...auxiliary], null, 2)}\n`);
    return;
  }
  const rows = models.map((m) => [m.id, m.classes.join(','), useOf(m), m.state, m.license, m.origin]);
  const others = auxiliary.map((m) => [m.id, '', USE_OF_ROLE[m.id], m.state, m.license, m.origin]);
  terminal.out(table([['id', 'finds', 'use', 'state', 'licence', 'origin'], ...rows, ...others], ''));
  for (const m of models) {
    if (m.interim && m.note && useOf(m) !== '') terminal.out(`\n${m.id} is interim: ${m.note}\n`);
  }
}

/** Whether a model is used unless another is named, for what if not for all that it finds, and at which qualities. */
function useOf({ classes, defaultFor, defaultAt, interim }: ModelSpec): string {
  const isAll = classes.every((cls) => defaultFor.includes(cls));
  const parts = [
    ...(defaultFor.length > 0 ? [isAll ? 'default' : `default for ${defaultFor.join(',')}`] : []),
    ...Object.entries(defaultAt).map(([quality, at]) => `${quality}: ${at.join(',')}`),
  ];
  return parts.length === 0 ? '' : [...parts, ...(interim ? ['interim'] : [])].join(', ');
}

/** Whether the file that is used is made on this machine. */
function isBuilt({ source }: Listed): boolean {
  return source.kind === 'compiled' || (source.kind === 'npm' && source.simplified !== undefined);
}

async function buildModels(terminal: Terminal): Promise<void> {
  const { models, auxiliary } = loadManifest();
  for (const spec of [...models, ...auxiliary]) {
    if (!isBuilt(spec)) continue;
    const { path, sha256 } = await locateModel(spec);
    terminal.out(`${spec.id}  sha256:${sha256}  ${path}\n`);
  }
}

/** Returns 0 when every model on this machine opens and the defaults pass the self-check, else 2. */
async function checkModels(terminal: Terminal, device: string): Promise<number> {
  const config = fillConfig({ inputs: ['-'], out: 'unused', workers: 1, device });
  let failed = false;
  const report = async (name: string, check: () => Promise<string>): Promise<void> => {
    try {
      terminal.out(`ok      ${name}: ${await check()}\n`);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      failed = true;
      terminal.out(`FAILED  ${name}: ${error.message}\n`);
    }
  };
  const { models, auxiliary } = loadManifest();
  for (const spec of [...models, ...auxiliary]) {
    const state = await stateOf(spec);
    if (spec.source.kind === 'derived' || state === 'not pulled') continue;
    await report(spec.id, async () => {
      const model = await locateModel(spec);
      if (spec.source.kind === 'project-data') return 'is here and whole';
      const session = await openSession(model.path, spec.id, config.device);
      await session.release();
      return `opens on ${session.provider}`;
    });
  }
  await report('self-check', async () => {
    const job = await prepareJob(config);
    const pool = new WorkerPool(job, { workers: 1 });
    try {
      const providers = await pool.ready();
      const checked = CLASSES.filter((c) => job.selfCheck.expect[c] !== undefined);
      return `the default detectors find ${checked.join(', ')} in a known photograph on ${providers.join('+')}`;
    } finally {
      await pool.close();
    }
  });
  return failed ? 2 : 0;
}

async function pull(terminal: Terminal, id: string): Promise<void> {
  const spec = findModel(loadManifest(), id);
  if (spec.source.kind !== 'url') {
    throw new ModelError(
      `Expected a model that is pulled by URL but received ${id}, which comes with the installation`,
    );
  }
  const { path, downloaded } = await pullModel(id, spec.source, cacheDir());
  terminal.out(`${id}  ${downloaded ? 'downloaded and verified' : 'already here'}  ${path}\n`);
}
