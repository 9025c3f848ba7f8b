import { type AvifItems, type Item, readItems } from './avif-items.ts';
import { type Box, boxes, child } from './boxes.ts';
import { type ContainerScan, sorted } from './container.ts';
import { addExif, addTrailer, addXmp } from './metadata.ts';
import { ByteReader, buffer, corrupt, truncated } from './reader.ts';

const ALLOWED_BOXES = new Set(['ftyp', 'meta', 'mdat']);
const ALLOWED_META = new Set(['hdlr', 'pitm', 'iloc', 'iinf', 'iprp', 'iref']);
const ALLOWED_PROPERTIES = new Set(['av1C', 'ispe', 'pixi', 'colr', 'auxC']);

/** Boxes that a file may end with. Anything else that does not fit is not a box but trailing data. */
const KNOWN_BOXES = new Set([...ALLOWED_BOXES, 'moov', 'free', 'skip', 'uuid', 'idat', 'moof', 'mdia', 'jumb']);

/** Item types that are pictures: coded, or derived from others. */
const PICTURE_TYPES = new Set(['av01', 'grid', 'iovl', 'iden', 'hvc1', 'jpeg', 'j2k1', 'unci']);

/** Whether an item is a picture of its own: shown, and no thumbnail, auxiliary picture or tile of another. */
function isPicture(items: AvifItems, item: Item): boolean {
  if (item.id === items.primary) return true;
  if (!PICTURE_TYPES.has(item.type) || item.hidden) return false;
  const { thumbnails, auxiliaries, inputs } = items.relations;
  return !thumbnails.has(item.id) && !auxiliaries.has(item.id) && !inputs.has(item.id);
}

/** Adds the kinds of metadata among the items, and what a published file may not hold. */
function addItems(kinds: Set<string>, disallowed: Set<string>, items: AvifItems): void {
  if (items.hasProfile) {
    kinds.add('icc');
    disallowed.add('colour profile');
  }
  // Items may share their bytes; none is searched again once as much as the whole file has been.
  let budget = items.fileLength;
  for (const { id, type, text } of items.list.values()) {
    const data = (items.data.get(id) ?? []).filter((part) => {
      budget -= part.length;
      return budget >= 0;
    });
    const auxiliary = items.auxiliary.get(id);
    const isPrimary = id === items.primary;
    const isAlpha = auxiliary === 'alpha' && items.relations.auxiliaries.has(id);
    if (type !== 'av01' || !(isPrimary || isAlpha)) disallowed.add(`item ${type}`);
    if (text !== '') disallowed.add('item name');
    if (isPrimary || isAlpha) continue;
    // The Exif block begins with the offset of its TIFF header, usually 0.
    if (type === 'Exif') for (const block of data) addExif(kinds, block.subarray(4));
    else if (type === 'mime' && text.includes('rdf+xml')) for (const packet of data) addXmp(kinds, packet);
    else if (type === 'tmap' || /gainmap/i.test(auxiliary ?? '')) kinds.add('gain-map');
    else if (items.relations.thumbnails.has(id)) kinds.add('thumbnail');
    else if (auxiliary !== undefined) kinds.add(/depth|auxid:2/i.test(auxiliary) ? 'depth-map' : 'other');
    else if (!PICTURE_TYPES.has(type)) kinds.add('other');
  }
}

function addBoxKinds(kinds: Set<string>, reader: ByteReader, { type, start, end }: Box): void {
  if (ALLOWED_BOXES.has(type) || type === 'free' || type === 'skip' || type === 'moov') return;
  const isC2pa = buffer(reader.bytes).subarray(start, end).includes('c2pa', 0, 'latin1');
  kinds.add(isC2pa ? 'c2pa' : 'other');
}

/** A picture handler's name is free text; what we publish leaves it empty. */
function hasHandlerName(reader: ByteReader, handler: Box): boolean {
  for (let at = handler.start + 24; at < handler.end; at++) if (reader.u8(at) !== 0) return true;
  return false;
}

/**
 * AV1 Image File Format: ISO base media boxes (ISO/IEC 14496-12) that describe items (ISO/IEC 23008-12).
 * Only the primary item and its alpha are decoded. Any other picture that is shown counts as a frame;
 * thumbnails, gain maps and depth maps are dropped.
 */
export function scanAvif(bytes: Uint8Array): ContainerScan {
  const reader = new ByteReader(bytes);
  const kinds = new Set<string>();
  const disallowed = new Set<string>();
  const top: Box[] = [];
  let end = 0;
  for (const box of boxes(reader, 0, bytes.length)) {
    if (box.overflows) {
      if (KNOWN_BOXES.has(box.type)) throw truncated(`Expected the whole '${box.type}' box`);
      break;
    }
    top.push(box);
    end = box.end;
    addBoxKinds(kinds, reader, box);
    if (!ALLOWED_BOXES.has(box.type)) disallowed.add(`box ${box.type}`);
  }
  const meta = child(top, 'meta');
  if (meta === undefined) throw truncated("Expected a 'meta' box");
  const metaBoxes = [...boxes(reader, meta.start + 4, meta.end)];
  for (const { type } of metaBoxes) if (!ALLOWED_META.has(type)) disallowed.add(`box ${type}`);
  const handler = child(metaBoxes, 'hdlr');
  if (handler !== undefined && hasHandlerName(reader, handler)) disallowed.add('handler name');

  const items = readItems(reader, metaBoxes);
  addItems(kinds, disallowed, items);
  for (const { type } of items.properties) if (!ALLOWED_PROPERTIES.has(type)) disallowed.add(`property ${type}`);
  for (const { type, start, end: to } of top) {
    if (type === 'mdat' && items.extents.uncovered(start, to) > 0) disallowed.add('unreferenced bytes');
  }
  if (items.extents.end > bytes.length) throw truncated('Expected the data of every AVIF item');
  const size = items.sizes.get(items.primary);
  if (size === undefined) throw corrupt('Expected the size of the primary AVIF item');
  const pictures = [...items.list.values()].filter((item) => isPicture(items, item)).length;
  const tail = bytes.subarray(end);
  addTrailer(kinds, tail);
  const isSequence = top.some(({ type }) => type === 'moov');
  return {
    format: 'avif',
    kinds: sorted(kinds),
    disallowed: sorted(disallowed),
    trailingBytes: tail.length,
    frames: isSequence ? Math.max(2, pictures) : Math.max(1, pictures),
    ...size,
    lossless: false,
  };
}
