import { type JpegSegment, jpegSegments, SOS } from './jpeg-segments.ts';
import { ByteReader, buffer, corrupt } from './reader.ts';

const DHT = 0xc4;
const DRI = 0xdd;
const BASELINE = 0xc0;
const EXTENDED = 0xc1;

/** Position after an end-of-block code: beyond any coefficient, and told apart from a run that is too long. */
const END_OF_BLOCK = 128;

interface Component {
  readonly id: number;
  readonly h: number;
  readonly v: number;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: readonly Component[];
}

/** A table's entry for bits that are no code: it ends the block at a position that no block can end at. */
const NO_CODE = 65 << 5;

/** By 16 bits of lookahead: bits to skip (code and amplitude) in the low 5 bits, coefficients to advance above. */
type CodeTable = Uint16Array;

/** What a scan repeats: per block its DC and AC tables. */
interface Scan {
  readonly blocks: readonly { readonly dc: CodeTable; readonly ac: CodeTable }[];
  readonly units: number;
}

/**
 * Checks that the entropy-coded data of a sequential Huffman JPEG holds exactly the blocks that its header announces
 * (ITU-T T.81, F.2.2). JPEG has no checksum, and decoders stop after the last block whatever follows: damage that
 * shifts the bit stream shows only in codes that do not exist and in data left over or missing at the end.
 *
 * Coefficients are skipped, not decoded. Progressive and arithmetic JPEGs are not checked. Data left over is
 * accepted when it is padding: one value repeated. Throws SampleError `corrupt`.
 */
export function checkJpegBlocks(bytes: Uint8Array): void {
  const tables = new Map<number, () => CodeTable>();
  let frame: Frame | undefined;
  let restartInterval = 0;
  for (const segment of jpegSegments(bytes)) {
    const { marker, payload } = segment;
    if (marker === DHT) readTables(tables, payload);
    else if (marker === DRI) restartInterval = new ByteReader(payload).u16(0);
    else if (marker === BASELINE || marker === EXTENDED) frame = readFrame(payload);
    else if (marker === SOS && frame !== undefined) {
      checkScan(bytes, segment, readScan(payload, frame, tables), restartInterval);
    }
  }
}

/** Notes where each table is defined; only those that a scan uses are built. */
function readTables(tables: Map<number, () => CodeTable>, payload: Uint8Array): void {
  const reader = new ByteReader(payload);
  for (let at = 0; at < payload.length; ) {
    const definition = at;
    let built: CodeTable | undefined;
    tables.set(reader.u8(at), () => {
      built ??= buildTable(reader, definition);
      return built;
    });
    at += 17;
    for (let length = 1; length <= 16; length++) at += reader.u8(definition + length);
  }
}

/** Table class and id, 16 counts by code length, then the symbols in order of their codes (ITU-T T.81, C.2). */
function buildTable(reader: ByteReader, at: number): CodeTable {
  const isDc = reader.u8(at) >> 4 === 0;
  const table = new Uint16Array(1 << 16).fill(NO_CODE);
  let code = 0;
  let value = at + 17;
  for (let length = 1; length <= 16; length++) {
    const step = 1 << (16 - length);
    for (let count = reader.u8(at + length); count > 0; count--) {
      if (code + step > 1 << 16) throw corrupt('Expected JPEG codes of 16 bits at most');
      table.fill(tableEntry(reader.u8(value++), length, isDc), code, code + step);
      code += step;
    }
  }
  return table;
}

function tableEntry(symbol: number, length: number, isDc: boolean): number {
  const size = symbol & 15;
  const run = symbol >> 4;
  const isEndOfBlock = size === 0 && run !== 15;
  const advance = isDc ? 1 : isEndOfBlock ? END_OF_BLOCK : run + 1;
  return (advance << 5) | (length + size);
}

function readFrame(payload: Uint8Array): Frame {
  const reader = new ByteReader(payload);
  const components: Component[] = [];
  for (let i = 0; i < reader.u8(5); i++) {
    const sampling = reader.u8(7 + i * 3);
    components.push({ id: reader.u8(6 + i * 3), h: sampling >> 4, v: sampling & 15 });
  }
  return { height: reader.u16(1), width: reader.u16(3), components };
}

function readScan(payload: Uint8Array, frame: Frame, tables: ReadonlyMap<number, () => CodeTable>): Scan {
  const reader = new ByteReader(payload);
  const count = reader.u8(0);
  if (count < 1 || count > 4) throw corrupt(`Expected 1 to 4 components in a JPEG scan but received ${count}`);
  const table = (id: number): CodeTable => {
    const found = tables.get(id);
    if (found === undefined) throw corrupt('Expected the Huffman tables of a JPEG scan before it');
    return found();
  };
  const members = Array.from({ length: count }, (_, i) => {
    const component = frame.components.find(({ id }) => id === reader.u8(1 + i * 2));
    if (component === undefined) throw corrupt('Expected the components of a JPEG scan in its frame');
    const selectors = reader.u8(2 + i * 2);
    return { ...component, codes: { dc: table(selectors >> 4), ac: table(16 + (selectors & 15)) } };
  });
  const hMax = Math.max(1, ...frame.components.map(({ h }) => h));
  const vMax = Math.max(1, ...frame.components.map(({ v }) => v));
  const [only] = members;
  if (count === 1 && only !== undefined) {
    const columns = Math.ceil(Math.ceil((frame.width * only.h) / hMax) / 8);
    const rows = Math.ceil(Math.ceil((frame.height * only.v) / vMax) / 8);
    return { blocks: [only.codes], units: columns * rows };
  }
  return {
    blocks: members.flatMap(({ h, v, codes }) => Array(h * v).fill(codes)),
    units: Math.ceil(frame.width / (8 * hMax)) * Math.ceil(frame.height / (8 * vMax)),
  };
}

function checkScan(bytes: Uint8Array, segment: JpegSegment, scan: Scan, restartInterval: number): void {
  const start = segment.at + 4 + segment.payload.length;
  let left = scan.units;
  let spare = 0;
  for (const data of intervals(bytes, start, segment.end)) {
    // Some encoders write one more restart marker after the last block.
    if (left === 0 && ++spare > 1) throw corrupt('Expected a JPEG scan to end with its last block');
    const units = restartInterval === 0 ? left : Math.min(left, restartInterval);
    checkInterval(data, scan, units);
    left -= units;
  }
  if (left > 0) throw corrupt(`Expected ${left} more blocks in a JPEG scan`);
}

/** The data between restart markers, with the zeros after 0xff removed and three bytes of 0xff to look ahead into. */
function* intervals(bytes: Uint8Array, from: number, end: number): Generator<Uint8Array> {
  const data = buffer(bytes);
  const clean = Buffer.alloc(end - from + 3);
  let length = 0;
  for (let at = from; at < end; ) {
    const found = data.indexOf(0xff, at);
    const stop = found < 0 || found >= end ? end : found;
    length += data.copy(clean, length, at, stop);
    at = stop + 2;
    if (stop === end) break;
    const next = data[stop + 1] ?? 0;
    if (next === 0) clean[length++] = 0xff;
    else if (next === 0xff) at = stop + 1;
    else {
      yield clean.fill(0xff, length, length + 3).subarray(0, length + 3);
      length = 0;
    }
  }
  yield clean.fill(0xff, length, length + 3).subarray(0, length + 3);
}

function checkInterval(data: Uint8Array, { blocks }: Scan, units: number): void {
  const bits = (data.length - 3) * 8;
  let at = 0;
  for (let unit = 0; unit < units; unit++) {
    for (const { dc, ac } of blocks) {
      const first = dc[lookAhead(data, at)] as number;
      at += first & 31;
      let position = first >> 5;
      while (position < 64) {
        const entry = ac[lookAhead(data, at)] as number;
        at += entry & 31;
        position += entry >> 5;
      }
      if (at > bits || (position > 64 && position < END_OF_BLOCK)) {
        throw corrupt('Expected JPEG blocks that can be read to their end');
      }
    }
  }
  checkRest(data, (at + 7) >> 3);
}

/** The 16 bits at bit `at`. */
function lookAhead(data: Uint8Array, at: number): number {
  const byte = at >> 3;
  const window = ((data[byte] as number) << 16) | ((data[byte + 1] as number) << 8) | (data[byte + 2] as number);
  return (window >> (8 - (at & 7))) & 0xffff;
}

/** Nothing may follow the last block but padding. */
function checkRest(data: Uint8Array, from: number): void {
  for (let at = from + 1; at < data.length - 3; at++) {
    if (data[at] !== data[from]) throw corrupt('Expected a JPEG scan to end with its last block');
  }
}
