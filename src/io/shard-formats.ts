import { folderShards } from './folder-sink.ts';
import type { ShardExtras, ShardFormat } from './shard.ts';
import { webdatasetShards } from './webdataset-sink.ts';

/** How an output is laid out, as its run.json tells it. */
export interface ShardLayout extends ShardExtras {
  readonly format: 'webdataset' | 'folder';
  /** `metadata.jsonl` in a folder of images. */
  readonly hfMetadata?: boolean;
}

/** @param out absolute. @param hasCls every sample has a class index. */
export function shardFormat(out: string, { format, hfMetadata, ...extras }: ShardLayout, hasCls: boolean): ShardFormat {
  return format === 'folder' ? folderShards(out, hfMetadata) : webdatasetShards(out, hasCls, extras);
}
