import { UsageError } from '../../errors.ts';

export interface XmlElement {
  readonly name: string;
  /** Character data between the tags, without that of children, trimmed. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** Levels of elements; labels need five. */
const MAX_DEPTH = 32;

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

/** What may follow at a `<`. Attributes are passed over: labels do not use them. */
const MARKUP =
  /<(?:\?.*?\?>|!--(?<comment>.*?)-->|!\[CDATA\[(?<cdata>.*?)\]\]>|\/(?<close>[\p{L}_:][\p{L}\p{N}_:.-]*)\s*>|(?<open>[\p{L}_:][\p{L}\p{N}_:.-]*)(?:\s+[\p{L}_:][\p{L}\p{N}_:.-]*\s*=\s*(?:"[^"<]*"|'[^'<]*')){0,32}\s*(?<empty>\/)?>)/suy;

/**
 * Parses the part of XML that files of labels consist of: elements, text, comments, CDATA, the five named entities and
 * numeric ones. Document types and entity declarations are refused, so nothing can expand or be fetched.
 * @throws UsageError naming the file and line, what was expected and what was received.
 */
export function parseXml(text: string, file: string): XmlElement {
  const fail = (at: number, expected: string): never => {
    const line = text.slice(0, at).split('\n').length;
    const received = JSON.stringify(text.slice(at, at + 40));
    throw new UsageError(
      `${file}:${line}: expected ${expected} but received ${at < text.length ? received : 'the end'}`,
    );
  };
  const forbidden = text.search(/<!(?:DOCTYPE|ENTITY)/i);
  if (forbidden >= 0) fail(forbidden, 'XML without a document type');

  const top = { name: '', text: '', children: [] as XmlElement[] };
  const open: { name: string; text: string; children: XmlElement[] }[] = [top];
  let at = 0;
  while (at < text.length) {
    const parent = open[open.length - 1] as typeof top;
    const next = text.indexOf('<', at);
    const end = next < 0 ? text.length : next;
    const data = text.slice(at, end);
    if (open.length === 1 && data.trim() !== '') fail(at, 'an element');
    parent.text += decodeEntities(data, () => fail(at, 'a known entity'));
    at = end;
    if (next < 0) break;
    MARKUP.lastIndex = at;
    const groups = MARKUP.exec(text)?.groups ?? fail(at, 'well-formed XML');
    if (groups.cdata !== undefined) parent.text += groups.cdata;
    if (groups.open !== undefined) {
      if (open.length === 1 && top.children.length > 0) fail(at, 'one root element');
      if (open.length > MAX_DEPTH) fail(at, `at most ${MAX_DEPTH} levels of elements`);
      const element = { name: groups.open, text: '', children: [] };
      parent.children.push(element);
      if (groups.empty === undefined) open.push(element);
    }
    if (groups.close !== undefined) {
      if (groups.close !== parent.name) fail(at, open.length > 1 ? `</${parent.name}>` : 'an element');
      parent.text = parent.text.trim();
      open.pop();
    }
    at = MARKUP.lastIndex;
  }
  const unclosed = open[open.length - 1] as typeof top;
  if (open.length > 1) fail(text.length, `</${unclosed.name}>`);
  return top.children[0] ?? fail(text.length, 'an element');
}

/** The first child of a name. */
export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}

function decodeEntities(data: string, fail: () => never): string {
  return data.replace(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|(\w+))?;?/gi, (whole, hex, decimal, name) => {
    if (!whole.endsWith(';')) return fail();
    if (name !== undefined) return ENTITIES.get(name) ?? fail();
    const code = hex !== undefined ? Number.parseInt(hex, 16) : Number.parseInt(decimal ?? 'x', 10);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : fail();
  });
}
