import { parquetWriteBuffer } from 'hyparquet-writer';
import type { RedactionRecord, VerifiedRecord } from '../core/outcome.ts';
import type { ShardExtras, ShardRow } from './shard.ts';

type Cell = string | number | null;

interface Column {
  readonly name: string;
  readonly type: 'STRING' | 'INT32';
  readonly nullable?: boolean;
  readonly value: (row: ShardRow) => Cell;
}

function published<T extends Cell>(pick: (record: VerifiedRecord) => T): (row: ShardRow) => T | null {
  return ({ record }) => (record.status === 'verified' ? pick(record) : null);
}

function reasonOf(record: RedactionRecord): string | null {
  return 'reason' in record ? record.reason : null;
}

function statusOf(record: RedactionRecord): string {
  return record.status === 'verified' ? 'success' : record.status;
}

const NOTHING = (): null => null;

/** img2dataset's columns in its order, then the number of regions by class. */
const COLUMNS: readonly Column[] = [
  { name: 'url', type: 'STRING', value: NOTHING },
  { name: 'caption', type: 'STRING', value: NOTHING },
  { name: 'key', type: 'STRING', nullable: false, value: ({ record }) => record.key },
  { name: 'status', type: 'STRING', nullable: false, value: ({ record }) => statusOf(record) },
  { name: 'error_message', type: 'STRING', value: ({ record }) => reasonOf(record) },
  { name: 'width', type: 'INT32', value: published((record) => record.width) },
  { name: 'height', type: 'INT32', value: published((record) => record.height) },
  // Images are never resized: the upright original has the size of the output.
  { name: 'original_width', type: 'INT32', value: published((record) => record.width) },
  { name: 'original_height', type: 'INT32', value: published((record) => record.height) },
  { name: 'exif', type: 'STRING', value: NOTHING },
  { name: 'sha256', type: 'STRING', value: published((record) => record.out_sha256) },
  { name: 'faces', type: 'INT32', value: published((record) => record.counts.face) },
  { name: 'bodies', type: 'INT32', value: published((record) => record.counts.body) },
  { name: 'plates', type: 'INT32', value: published((record) => record.counts.plate) },
  { name: 'texts', type: 'INT32', value: published((record) => record.counts.text) },
];

const CLS: Column = { name: 'cls', type: 'INT32', value: ({ cls }) => (cls === undefined ? null : Number(cls)) };

const SOURCE_ID: Column = {
  name: 'source_id',
  type: 'STRING',
  value: published((record) => record.source_id ?? null),
};

/**
 * The shard's table as Parquet, one row per input sample. The bytes depend on the rows alone; the
 * footer has no statistics and no metadata, and nothing is compressed, so that a search for a name
 * in the bytes is proof.
 */
export function shardParquet(
  rows: readonly ShardRow[],
  hasCls: boolean,
  { sourceIds = false }: ShardExtras = {},
): Uint8Array {
  const columns = [...COLUMNS, ...(hasCls ? [CLS] : []), ...(sourceIds ? [SOURCE_ID] : [])];
  const buffer = parquetWriteBuffer({
    columnData: columns.map(({ name, type, nullable = true, value }) => ({
      name,
      type,
      nullable,
      data: rows.map(value),
    })),
    codec: 'UNCOMPRESSED',
    statistics: false,
    createdBy: 'anonymize',
  });
  return new Uint8Array(buffer);
}

/** img2dataset's summary of a shard, with our two kinds of failure. Times in seconds. */
export interface ShardSummary {
  readonly count: number;
  readonly successes: number;
  readonly failed_to_download: number;
  readonly failed_to_resize: number;
  readonly failed_to_anonymize: number;
  readonly quarantined: number;
  readonly duration: number;
  readonly start_time: number;
  readonly end_time: number;
  /** Number of samples by error message, or `success`. */
  readonly status_dict: Readonly<Record<string, number>>;
}

export function summarizeShard(rows: readonly ShardRow[], startTime: number, endTime: number): ShardSummary {
  const statuses = new Map<string, number>();
  for (const { record } of rows) {
    const status = reasonOf(record) ?? statusOf(record);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  const having = (status: RedactionRecord['status']): number =>
    rows.filter(({ record }) => record.status === status).length;
  return {
    count: rows.length,
    successes: having('verified'),
    failed_to_download: 0,
    failed_to_resize: 0,
    failed_to_anonymize: having('failed_to_anonymize'),
    quarantined: having('quarantined'),
    duration: endTime - startTime,
    start_time: startTime,
    end_time: endTime,
    status_dict: Object.fromEntries([...statuses].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
