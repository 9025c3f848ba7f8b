/** Where a command writes; tests pass their own. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** True when standard error is a terminal, so that a line can be redrawn. */
  readonly interactive: boolean;
  readonly columns: number;
}

export const terminal: Terminal = {
  out: writer(process.stdout),
  err: writer(process.stderr),
  interactive: process.stderr.isTTY === true,
  columns: process.stderr.columns ?? 80,
};

function writer(stream: NodeJS.WriteStream): (text: string) => void {
  // A reader that has gone away (`| head`) must not end a run half-way.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return (text) => void stream.write(text);
}

/** `1 image`, `2 images` */
export function plural(n: number, singular: string, many = `${singular}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? singular : many}`;
}

/** `8.4 s`, `3 min 20 s`, `2 h 5 min` */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Columns padded to their widest cell; numbers flush right. */
export function table(rows: readonly (readonly (string | number)[])[], indent = '  '): string {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en') : cell)));
  const widths: number[] = [];
  for (const row of texts) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows
    .map((row, r) => {
      const cells = row.map((cell, i) => {
        const text = texts[r]?.[i] ?? '';
        return typeof cell === 'number' ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0);
      });
      return `${indent}${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}

/** A name from outside, safe to print: control characters would move the cursor or hide text. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '\uFFFD');
}
