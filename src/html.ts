/** Text from outside, such as labels, file names or models, safe between tags and in quoted attributes. */
export function escapeHtml(value: unknown): string {
  return String(value ?? '').replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

type Cell = string | number;

/** A table of cells that are HTML already; `isFlushRight` is asked for every cell, the head's among them. */
export function htmlTable(
  head: readonly Cell[],
  rows: readonly (readonly Cell[])[],
  isFlushRight: (cell: Cell, column: number) => boolean,
): string {
  const line = (tag: string, cells: readonly Cell[]): string =>
    `<tr>${cells.map((cell, i) => `<${tag}${isFlushRight(cell, i) ? ' class="n"' : ''}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table>${line('th', head)}\n${rows.map((row) => line('td', row)).join('\n')}</table>`;
}

/** A page without scripts or outside resources; `style` is added to what all pages share. */
export function htmlPage(title: string, style: string, body: string): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>${SHARED_STYLE}${style}</style>
${body}
</html>
`;
}

const SHARED_STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --accent: #2f6f9f }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 0 .25rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { text-align: left; border-bottom: 1px solid var(--line) } td.n, th.n { text-align: right }
.note { border-left: 4px solid #b7791f; padding: .4rem .9rem; background: color-mix(in srgb, #b7791f 12%, transparent) }
.grid { display: grid; gap: .8rem } figure { margin: 0 } figcaption { font-size: .8rem }
code { font-size: .85em; overflow-wrap: anywhere }
`;
