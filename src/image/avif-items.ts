import { type Box, boxes, Cursor, child, fullBox } from './boxes.ts';
import { Extents } from './extents.ts';
import { type ByteReader, corrupt } from './reader.ts';

const ALPHA_URN = 'urn:mpeg:mpegB:cicp:systems:auxiliary:alpha';
const ALPHA_URNS = [ALPHA_URN, 'urn:mpeg:hevc:2015:auxid:1'];

/** Longest auxiliary type that is looked at, in bytes. */
const MAX_URN = 256;

/** More items, references or associations than a still picture could need. */
const MAX_ENTRIES = 65_536;

export interface Item {
  readonly id: number;
  readonly type: string;
  readonly hidden: boolean;
  /** Name, content type and URI: all the text of the entry. */
  readonly text: string;
}

/** How items relate, by item id. */
interface Relations {
  /** Thumbnails of other items. */
  readonly thumbnails: ReadonlySet<number>;
  /** Auxiliary pictures of other items: alpha, depth, gain map. */
  readonly auxiliaries: ReadonlySet<number>;
  /** Inputs of derived pictures: the tiles of a grid. */
  readonly inputs: ReadonlySet<number>;
}

export interface AvifItems {
  readonly primary: number;
  readonly list: ReadonlyMap<number, Item>;
  readonly relations: Relations;
  readonly properties: readonly Box[];
  /** Kinds of auxiliary pictures by item: `alpha`, or the URN. */
  readonly auxiliary: ReadonlyMap<number, string>;
  readonly sizes: ReadonlyMap<number, { width: number; height: number }>;
  /** Data of each item inside the file. */
  readonly data: ReadonlyMap<number, Uint8Array[]>;
  readonly extents: Extents;
  readonly fileLength: number;
  /** Whether a colour profile (rather than four numbers) is attached. */
  readonly hasProfile: boolean;
}

function readInfo(reader: ByteReader, iinf: Box): Map<number, Item> {
  const { cursor, version } = fullBox(reader, iinf);
  cursor.uint(version === 0 ? 2 : 4);
  const items = new Map<number, Item>();
  for (const box of boxes(reader, cursor.at, iinf.end)) {
    if (box.type !== 'infe' || items.size >= MAX_ENTRIES) throw corrupt("Expected 'infe' boxes in 'iinf'");
    const entry = fullBox(reader, box);
    if (entry.version < 2) throw corrupt("Expected 'infe' of version 2 or 3");
    const id = entry.cursor.uint(entry.version === 2 ? 2 : 4);
    entry.cursor.uint(2);
    const type = entry.cursor.text(4);
    const text = entry.cursor.text(box.end - entry.cursor.at).replaceAll('\0', '');
    items.set(id, { id, type, hidden: (entry.flags & 1) !== 0, text });
  }
  return items;
}

function readRelations(reader: ByteReader, iref: Box | undefined): Relations {
  const relations = { thumbnails: new Set<number>(), auxiliaries: new Set<number>(), inputs: new Set<number>() };
  if (iref === undefined) return relations;
  const { cursor, version } = fullBox(reader, iref);
  const idSize = version === 0 ? 2 : 4;
  for (const box of boxes(reader, cursor.at, iref.end)) {
    const inner = new Cursor(reader, box.start, box.end);
    const from = inner.uint(idSize);
    if (box.type === 'thmb') relations.thumbnails.add(from);
    if (box.type === 'auxl') relations.auxiliaries.add(from);
    if (box.type !== 'dimg') continue;
    for (let count = inner.uint(2); count > 0; count--) relations.inputs.add(inner.uint(idSize));
  }
  return relations;
}

/** Item locations (ISO/IEC 14496-12, 8.11.3): in the file, or in the `idat` box. */
function readLocations(reader: ByteReader, iloc: Box, idat: Box | undefined) {
  const { cursor, version } = fullBox(reader, iloc);
  const sizes = cursor.uint(2);
  const [offsetSize, lengthSize, baseSize] = [(sizes >> 12) & 15, (sizes >> 8) & 15, (sizes >> 4) & 15];
  const indexSize = version === 0 ? 0 : sizes & 15;
  const data = new Map<number, Uint8Array[]>();
  const extents = new Extents();
  const count = cursor.uint(version < 2 ? 2 : 4);
  for (let i = 0; i < count; i++) {
    const id = cursor.uint(version < 2 ? 2 : 4);
    const method = version === 0 ? 0 : cursor.uint(2) & 15;
    cursor.uint(2);
    const base = cursor.uint(baseSize);
    const extentCount = cursor.uint(2);
    if (offsetSize + lengthSize + indexSize === 0 && extentCount > 1) {
      throw corrupt('Expected AVIF extents that occupy bytes');
    }
    const parts: Uint8Array[] = [];
    for (let j = 0; j < extentCount; j++) {
      cursor.uint(indexSize);
      const offset = base + cursor.uint(offsetSize);
      const length = cursor.uint(lengthSize);
      if (method > 1) continue;
      const start = method === 1 ? (idat?.start ?? 0) + offset : offset;
      parts.push(reader.slice(start, length));
      extents.add(start, length);
    }
    data.set(id, parts);
  }
  return { data, extents };
}

function auxiliaryKind(reader: ByteReader, box: Box): string {
  const text = reader.ascii(box.start, Math.min(MAX_URN, box.end - box.start)).slice(4);
  const urn = text.split('\0')[0] ?? '';
  return ALPHA_URNS.includes(urn) && (urn !== ALPHA_URN || text.length <= urn.length + 1) ? 'alpha' : urn;
}

/** Property associations: which item has which size and which auxiliary type. */
function readProperties(reader: ByteReader, iprp: Box) {
  const parts = [...boxes(reader, iprp.start, iprp.end)];
  const container = child(parts, 'ipco');
  if (container === undefined) throw corrupt("Expected an 'ipco' box");
  const properties = [...boxes(reader, container.start, container.end)];
  const sizes = new Map<number, { width: number; height: number }>();
  const auxiliary = new Map<number, string>();
  let budget = MAX_ENTRIES;
  for (const ipma of parts.filter(({ type }) => type === 'ipma')) {
    const { cursor, version, flags } = fullBox(reader, ipma);
    const itemCount = cursor.uint(4);
    for (let i = 0; i < itemCount; i++) {
      const id = cursor.uint(version < 1 ? 2 : 4);
      const count = cursor.uint(1);
      for (let j = 0; j < count; j++) {
        if (--budget < 0) throw corrupt('Expected fewer AVIF property associations');
        const index = (flags & 1) !== 0 ? cursor.uint(2) & 0x7fff : cursor.uint(1) & 0x7f;
        const property = properties[index - 1];
        if (property?.type === 'ispe') {
          sizes.set(id, { width: reader.u32(property.start + 4), height: reader.u32(property.start + 8) });
        } else if (property?.type === 'auxC') auxiliary.set(id, auxiliaryKind(reader, property));
      }
    }
  }
  const hasProfile = properties.some(
    ({ type, start }) => type === 'colr' && !reader.startsWith('nclx', start) && !reader.startsWith('nclc', start),
  );
  return { properties, sizes, auxiliary, hasProfile };
}

/** Reads the item tables of a `meta` box. Throws SampleError `corrupt` or `truncated`. */
export function readItems(reader: ByteReader, meta: readonly Box[]): AvifItems {
  const required = (type: string): Box => {
    const box = child(meta, type);
    if (box === undefined) throw corrupt(`Expected a '${type}' box in an AVIF file`);
    return box;
  };
  const pitm = fullBox(reader, required('pitm'));
  return {
    fileLength: reader.length,
    primary: pitm.cursor.uint(pitm.version === 0 ? 2 : 4),
    list: readInfo(reader, required('iinf')),
    relations: readRelations(reader, child(meta, 'iref')),
    ...readLocations(reader, required('iloc'), child(meta, 'idat')),
    ...readProperties(reader, required('iprp')),
  };
}
