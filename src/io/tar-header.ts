/** A block of a tar archive, POSIX.1-1988 (ustar); headers are one block, bodies end at the next. */
export const BLOCK = 512;

/** Offset and length of the fields of a header in bytes. */
const NAME = [0, 100] as const;
const MODE = [100, 8] as const;
const UID = [108, 8] as const;
const GID = [116, 8] as const;
const SIZE = [124, 12] as const;
const MTIME = [136, 12] as const;
const CHECKSUM = [148, 8] as const;
const TYPE = 156;
const MAGIC = 257;
const PREFIX = [345, 155] as const;

const [SPACE, ZERO, SEVEN] = [0x20, 0x30, 0x37];
const TYPES: Readonly<Record<number, PlainHeader['type']>> = { 0: 'file', 48: 'file', 53: 'directory', 120: 'pax' };

const USTAR = [...Buffer.from('ustar\0')];

const decoder = new TextDecoder();

/** What a header says that has nothing unusual in it. */
export interface PlainHeader {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Date;
  /** Bytes of the body. */
  readonly size: number;
  /** `pax`: its body is about the entry that follows. */
  readonly type: 'file' | 'directory' | 'pax';
}

/** Bytes of a body with its padding. */
export function paddedLength(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** Reads the header of a file, a folder or a PAX record; undefined for all else, damaged ones among it. */
export function readPlainHeader(block: Uint8Array): PlainHeader | undefined {
  const type = TYPES[block[TYPE] as number];
  if (type === undefined || readOctal(block, CHECKSUM) !== checksumOf(block)) return undefined;
  const size = readOctal(block, SIZE);
  const mode = readOctal(block, MODE);
  const uid = readOctal(block, UID);
  const gid = readOctal(block, GID);
  const seconds = readOctal(block, MTIME);
  if (size === undefined || mode === undefined || uid === undefined || gid === undefined || seconds === undefined) {
    return undefined;
  }
  const prefix = isUstar(block) ? readText(block, PREFIX) : '';
  const name = readText(block, NAME);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode,
    uid,
    gid,
    mtime: new Date(seconds * 1000),
    size: type === 'directory' ? 0 : size,
    type,
  };
}

/** GNU tar has a blank in the place of the NUL, and times in that of the prefix. */
function isUstar(block: Uint8Array): boolean {
  return USTAR.every((byte, i) => block[MAGIC + i] === byte);
}

/**
 * The header that a PAX record (POSIX.1-2001) makes of the one that follows it; undefined where it is not well-formed,
 * or says how large or whose it is.
 */
export function withPax(header: PlainHeader, record: Uint8Array): PlainHeader | undefined {
  let { name, mtime } = header;
  for (let at = 0; at < record.length; ) {
    const space = record.indexOf(SPACE, at);
    const length = decoder.decode(record.subarray(at, Math.max(at, space)));
    const end = at + Number(length);
    if (!/^[1-9]\d{0,5}$/.test(length) || end > record.length || record[end - 1] !== 0x0a) return undefined;
    const [, key, value = ''] = /^([^=]+)=(.*)$/s.exec(decoder.decode(record.subarray(space + 1, end - 1))) ?? [];
    if (key === undefined || /^(size|uid|gid)$/.test(key)) return undefined;
    if (key === 'path') name = value;
    if (key === 'mtime' && !Number.isNaN(parseFloat(value))) mtime = new Date(parseFloat(value) * 1000);
    at = end;
  }
  return { ...header, name, mtime };
}

/**
 * The header of a read-only file of nobody and no time.
 * @throws RangeError for a name that is not printable ASCII of at most 100 characters: it would need another header.
 */
export function fileHeader(name: string, size: number): Uint8Array {
  if (!/^[\x20-\x7e]{1,100}$/.test(name)) {
    throw new RangeError(`Expected an ASCII name of at most 100 characters but received ${JSON.stringify(name)}`);
  }
  const block = Buffer.alloc(BLOCK);
  block.write(name, 'latin1');
  for (const [[offset, length], value] of [
    [MODE, 0o444],
    [UID, 0],
    [GID, 0],
    [SIZE, size],
    [MTIME, 0],
  ] as const) {
    block.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1');
  }
  block.write('0', TYPE, 'latin1');
  block.write('ustar\u000000', MAGIC, 'latin1');
  block.write(`${checksumOf(block).toString(8).padStart(6, '0')}\0 `, CHECKSUM[0], 'latin1');
  return block;
}

/** The sum of all bytes, with blanks in the place of the checksum. */
function checksumOf(block: Uint8Array): number {
  let sum = CHECKSUM[1] * SPACE;
  for (let i = 0; i < CHECKSUM[0]; i++) sum += block[i] as number;
  for (let i = CHECKSUM[0] + CHECKSUM[1]; i < BLOCK; i++) sum += block[i] as number;
  return sum;
}

/** Digits up to a NUL, with blanks among them; undefined for anything else. */
function readOctal(block: Uint8Array, [offset, length]: readonly [number, number]): number | undefined {
  let value = 0;
  for (let i = offset; i < offset + length; i++) {
    const code = block[i] as number;
    if (code === 0) break;
    if (code === SPACE) continue;
    if (code < ZERO || code > SEVEN) return undefined;
    value = value * 8 + code - ZERO;
  }
  return value;
}

function readText(block: Uint8Array, [offset, length]: readonly [number, number]): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return decoder.decode(end < 0 ? field : field.subarray(0, end));
}
