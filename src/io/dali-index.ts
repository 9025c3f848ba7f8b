import type { MemberPlace } from './tar-writer.ts';

/**
 * The index of a shard for NVIDIA DALI's `readers.webdataset`, as its tool `wds2idx` writes it: `v1.2` and the number of
 * samples, then a line for each sample with extension, offset of the body, size and name of every member.
 *
 * @param members in the order of the archive.
 */
export function daliIndex(members: readonly MemberPlace[]): string {
  const samples = new Map<string, string[]>();
  for (const { name, offset, size } of members) {
    const dot = name.indexOf('.');
    const key = name.slice(0, dot);
    const components = samples.get(key) ?? [];
    components.push(`${name.slice(dot + 1)} ${offset} ${size} ${name}`);
    samples.set(key, components);
  }
  return [`v1.2 ${samples.size}`, ...[...samples.values()].map((components) => components.join(' ')), ''].join('\n');
}
