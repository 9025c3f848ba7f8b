/**
 * The rows of comma-separated values (RFC 4180): quoted cells may hold commas, newlines and doubled quotes.
 * @throws Error for a quote that does not end, or that stands within a cell.
 */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    let cell: string;
    if (text[at] === '"') {
      let end = at + 1;
      for (;;) {
        end = text.indexOf('"', end);
        if (end < 0) throw new Error('a quote does not end');
        if (text[end + 1] !== '"') break;
        end += 2;
      }
      cell = text.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
    } else {
      const end = /[,\r\n]/g;
      end.lastIndex = at;
      const stop = end.exec(text)?.index ?? text.length;
      cell = text.slice(at, stop);
      if (cell.includes('"')) throw new Error('a quote stands within a cell');
      at = stop;
    }
    row.push(cell);
    const separator = /\r?\n|,|$/y;
    separator.lastIndex = at;
    const found = separator.exec(text)?.[0];
    if (found === undefined) throw new Error('something follows a quoted cell');
    at += found.length;
    if (found === ',') {
      if (at === text.length) row.push('');
      else continue;
    }
    rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  return rows.filter((cells) => cells.length > 1 || cells[0] !== '');
}
