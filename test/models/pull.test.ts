import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ModelError } from '../../src/errors.ts';
import { cachedPath, sha256Hex } from '../../src/models/cache.ts';
import { pullModel } from '../../src/models/pull.ts';

const body = Buffer.from(new Uint8Array(300_000).map((_, i) => i * 7));
const sha256 = sha256Hex(body);

const routes: Record<string, RequestListener> = {
  '/model.onnx': (_, response) => response.setHeader('content-length', body.length).end(body),
  '/chunked.onnx': (_, response) => {
    response.write(body.subarray(0, 1000));
    response.end(body.subarray(1000));
  },
  '/moved.onnx': (_, response) => response.writeHead(302, { location: '/model.onnx' }).end(),
  '/other.onnx': (_, response) => response.end('something else'),
  '/cut.onnx': (_, response) => {
    response.setHeader('content-length', body.length);
    response.write(body.subarray(0, 100_000), () => response.destroy());
  },
  '/cut-chunked.onnx': (_, response) => {
    response.write(body.subarray(0, 100_000), () => response.destroy());
  },
  '/empty.onnx': (_, response) => response.end(),
  '/stalled.onnx': (_, response) => response.write(body.subarray(0, 1000)),
};

let server: Server;
let base: string;
let requests: string[];
let dir: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    const route = routes[request.url ?? ''];
    if (route) route(request, response);
    else response.writeHead(404).end('no such model');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  requests = [];
  dir = await mkdtemp(path.join(tmpdir(), 'pull-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const pull = (route: string, hash = sha256, into = dir, signal?: AbortSignal) =>
  pullModel('m', { url: base + route, sha256: hash }, into, signal);

describe('pullModel', () => {
  it.each(['/model.onnx', '/chunked.onnx', '/moved.onnx'])('downloads %s, verifies it and keeps it', async (route) => {
    const into = path.join(dir, 'new', 'folder');
    expect(await pull(route, sha256, into)).toEqual({ path: cachedPath(into, sha256), downloaded: true });
    expect(await readdir(into)).toEqual([`${sha256}.onnx`]);
    expect(sha256Hex(await readFile(cachedPath(into, sha256)))).toBe(sha256);
  });

  it('does not download what it has', async () => {
    await pull('/model.onnx');
    expect(await pull('/model.onnx')).toEqual({ path: cachedPath(dir, sha256), downloaded: false });
    expect(requests).toEqual(['/model.onnx']);
  });

  it('downloads again what is damaged', async () => {
    await writeFile(cachedPath(dir, sha256), body.subarray(0, 1000));
    expect((await pull('/model.onnx')).downloaded).toBe(true);
    expect(sha256Hex(await readFile(cachedPath(dir, sha256)))).toBe(sha256);
  });

  it.each([
    [
      'another file',
      '/other.onnx',
      () => `expected a download with sha256 ${sha256} but received ${sha256Hex(Buffer.from('something else'))}`,
    ],
    [
      'nothing',
      '/empty.onnx',
      () => `expected a download with sha256 ${sha256} but received ${sha256Hex(Buffer.alloc(0))}`,
    ],
    [
      'a connection that is cut',
      '/cut.onnx',
      () => `expected a complete download from ${base}/cut.onnx but received: `,
    ],
    [
      'a chunked answer that is cut',
      '/cut-chunked.onnx',
      () => `expected a complete download from ${base}/cut-chunked.onnx but received: `,
    ],
    ['an error of the server', '/gone.onnx', () => `expected HTTP 200 from ${base}/gone.onnx but received 404`],
  ])('keeps nothing of %s', async (_, route, message) => {
    const attempt = pull(route);
    await expect(attempt).rejects.toThrow(ModelError);
    await expect(attempt).rejects.toThrow(`Model m: ${message()}`);
    expect(await readdir(dir)).toEqual([]);
  });

  it('keeps a good file when the address later gives another', async () => {
    await pull('/model.onnx');
    await expect(pull('/other.onnx', 'b'.repeat(64))).rejects.toThrow(ModelError);
    expect(await readdir(dir)).toEqual([`${sha256}.onnx`]);
  });

  it('says so when nobody answers', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(closed.address() as AddressInfo).port}/model.onnx`;
    await new Promise((resolve) => closed.close(resolve));
    await expect(pullModel('m', { url, sha256 }, dir)).rejects.toThrow(
      `Model m: expected a complete download from ${url} but received: connect ECONNREFUSED`,
    );
    expect(await readdir(dir)).toEqual([]);
  });

  it('can be stopped', async () => {
    const stop = new AbortController();
    const attempt = pull('/stalled.onnx', sha256, dir, stop.signal);
    const settled = expect(attempt).rejects.toThrow(ModelError);
    while (requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    await settled;
    expect(await readdir(dir)).toEqual([]);
  });

  it('names the setting when the cache cannot be written', async () => {
    const file = path.join(dir, 'file');
    await writeFile(file, '');
    await expect(pull('/model.onnx', sha256, path.join(file, 'cache'))).rejects.toThrow(
      'set ANONYMIZE_CACHE to move it',
    );
    expect(requests).toEqual([]);
  });
});
