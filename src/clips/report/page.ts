import { CLASSES, type ClassName } from '../../core/types.ts';
import { escapeHtml, htmlPage, htmlTable } from '../../html.ts';
import type { ClipRegion } from '../../worker/clip.ts';
import type { VerifiedClip } from '../record.ts';
import { correctionLines } from './corrections.ts';
import type { Moment, Reason } from './moments.ts';
import type { LoggedBox } from './trace.ts';

export interface SheetPicture {
  readonly moment: Moment;
  /** Seconds from the first frame. */
  readonly seconds: number;
  readonly regions: readonly ClipRegion[];
  readonly jpeg: Uint8Array;
}

/** A published clip in numbers. */
export interface ClipRow {
  readonly record: VerifiedClip;
  /** Path of its source; only on a private page. */
  readonly source?: string;
  readonly framesWith: Readonly<Record<ClassName, number>>;
  /** Covered places over all frames, and those of them that were inferred. */
  readonly regions: number;
  readonly inferred: number;
}

/** The moments of a clip that most need a look. */
export interface ContactSheet {
  readonly record: VerifiedClip;
  /** Where the clip is, from the page. */
  readonly href: string;
  readonly pictures: readonly SheetPicture[];
}

export interface ClipReportData {
  /** run.json */
  readonly run: Readonly<Record<string, unknown>>;
  readonly isPrivate: boolean;
  readonly clips: readonly ClipRow[];
  readonly rejected: readonly { readonly key: string; readonly why: string; readonly source?: string }[];
  readonly withdrawn: number;
  readonly sheets: readonly ContactSheet[];
}

const STYLE = `
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem } h3 { font-size: 1rem; margin: 1.5rem 0 .5rem }
body { max-width: 1500px } .wide { overflow-x: auto }
th, td { padding: .3rem .9rem .3rem 0; vertical-align: top }
.grid { grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)) }
.picture { position: relative; display: block } .picture img { width: 100%; display: block; border-radius: 4px }
.picture svg { position: absolute; inset: 0; width: 100%; height: 100% }
svg rect { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke }
svg text { font: 600 1px system-ui, sans-serif; paint-order: stroke; stroke: #000; stroke-width: .18px }
figcaption b { font-variant-numeric: tabular-nums }
pre { font-size: .72rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 .3rem; user-select: all }
.face { stroke: #ffd400; fill: #ffd400 } .body { stroke: #40c4ff; fill: #40c4ff }
.plate { stroke: #ff7043; fill: #ff7043 } .text { stroke: #9ccc65; fill: #9ccc65 }
.interpolated { stroke-dasharray: 5 3 } .absent { stroke-dasharray: 1 4; stroke-width: 3 }
`;

/** The report on clips as one HTML page without scripts or outside resources. */
export function renderClipReport({ run, isPrivate, clips, rejected, withdrawn, sheets }: ClipReportData): string {
  const frames = clips.reduce((sum, { record }) => sum + record.frames, 0);
  const unfinished = run.status === 'finished' ? '' : ` · run ${escapeHtml(run.status)}`;
  const counts = [
    `${plural(clips.length, 'clip')} published, ${plural(frames, 'frame')}`,
    `${rejected.length} not published`,
    ...(withdrawn > 0 ? [`${withdrawn} withdrawn`] : []),
  ];
  const body = `<h1>Anonymization report</h1>
<p>${counts.join(', ')}${unfinished}</p>
<p class="note">Counts are what the models detected and what was followed from there. A thing that no model saw is in no table here and is not redacted: look at the pictures, and at the clips.${isPrivate ? ' <b>This page tells names and scores: it is not for publication.</b>' : ''}</p>
<h2>What was redacted</h2>
<div class="wide">${classTable(run, clips, frames)}</div>
<h2>Clips</h2>
<div class="wide">${clipTable(run, clips)}</div>
${rejected.length > 0 ? `<h2>Not published</h2>\n<div class="wide">${rejectedTable(rejected)}</div>` : ''}
<h2>Moments that need a look</h2>
${legend(isPrivate, clips.length, sheets.length)}
${sheets.map(sheet).join('\n')}
<h2>How to correct</h2>
<p>Collect the lines that apply from below the pictures in a file, such as corrections.jsonl, change what is not right (frames, boxes), and redact again:</p>
<pre>anonymize replay &lt;private folder&gt; --out &lt;new folder&gt; --corrections corrections.jsonl</pre>
<p>A line that adds covers one frame: set <code>from</code> and <code>to</code> to the frames in which the thing is seen. One that removes uncovers the whole track; with <code>from</code> and <code>to</code>, only these frames. docs/video.md tells all of it. Clips of a single pass cannot be replayed: run them again without --single-pass, with --corrections.</p>
<h2>Models</h2>
<ul>${strings(run.models)
    .map((model) => `<li><code>${escapeHtml(model)}</code></li>`)
    .join('')}</ul>
<p>Policy <code>${escapeHtml(run.policy)}</code></p>`;
  return htmlPage('Anonymization report', STYLE, body);
}

function classTable(run: ClipReportData['run'], clips: readonly ClipRow[], frames: number): string {
  const setting = (name: string, cls: string): string =>
    escapeHtml((run[name] as Record<string, unknown> | undefined)?.[cls]);
  const rows = wanted(run).map((cls) => [
    cls,
    sum(clips, ({ record }) => record.counts[cls]),
    sum(clips, ({ record }) => Number(record.counts[cls] > 0)),
    percent(
      sum(clips, ({ framesWith }) => framesWith[cls]),
      frames,
    ),
    setting('redact', cls),
    setting('threshold', cls),
    setting('grow', cls),
  ]);
  return table(['class', 'tracks', 'clips', 'of frames', 'mode', 'threshold', 'growth'], rows);
}

function clipTable(run: ClipReportData['run'], clips: readonly ClipRow[]): string {
  const classes = wanted(run);
  const hasSources = clips.some(({ source }) => source !== undefined);
  const rows = clips.map(({ record, source, framesWith, regions, inferred }) => [
    `<a href="#clip-${record.key}">${escapeHtml(record.file)}</a>`,
    ...(hasSources ? [escapeHtml(source)] : []),
    record.frames,
    ...classes.flatMap((cls) => [record.counts[cls], percent(framesWith[cls], record.frames)]),
    percent(inferred, regions),
  ]);
  const head = ['clip', ...(hasSources ? ['source'] : []), 'frames'];
  return table([...head, ...classes.flatMap((cls) => [`${cls} tracks`, 'of frames']), 'inferred'], rows);
}

function rejectedTable(rejected: ClipReportData['rejected']): string {
  const hasSources = rejected.some(({ source }) => source !== undefined);
  return table(
    ['clip', ...(hasSources ? ['source'] : []), 'reason'],
    rejected.map(({ key, why, source }) => [key, ...(hasSources ? [escapeHtml(source)] : []), escapeHtml(why)]),
  );
}

function legend(isPrivate: boolean, clips: number, sheets: number): string {
  const weak = isPrivate ? ', things that were found with the lowest scores' : '';
  const some = sheets < clips ? ` Of ${clips} clips, the ${sheets} with the largest share inferred are shown.` : '';
  return `<p>Frames of the published clips: just before a track begins and after it ends, the middle of the longest stretches in which something was covered without being seen${weak}, scene cuts, the largest covered area, and others at even distances.${some} A solid outline was detected in the frame, a dashed one inferred; a dotted one is where something is covered in the next frame, or was in the last. Outlines are those of the log. The time code leads to the clip.</p>`;
}

function sheet({ record, href, pictures }: ContactSheet): string {
  return `<h3 id="clip-${record.key}">${escapeHtml(record.file)} <a href="${escapeHtml(href)}">open</a></h3>
<div class="grid">
${pictures.map((picture) => figure(record, href, picture)).join('\n')}
</div>`;
}

function figure({ key, width, height }: VerifiedClip, href: string, picture: SheetPicture): string {
  const { moment, seconds, regions, jpeg } = picture;
  const { frame, reasons } = moment;
  const size = Math.max(width, height) / 36;
  const outlines = regions.map(({ box, class: cls, origin, track }) =>
    outline(box, cls, `${cls} ${track}`, origin === 'interpolated' ? 'interpolated' : '', size),
  );
  const absent = reasons.map((reason) => {
    if (reason.kind !== 'before' && reason.kind !== 'after') return '';
    const { firstBox, lastBox, class: cls, id } = reason.track;
    return outline(reason.kind === 'before' ? firstBox : lastBox, cls, `${cls} ${id}`, 'absent', size);
  });
  const lines = correctionLines(key, moment, regions).map(
    ({ thing, line }) => `${thing}<pre>${escapeHtml(line)}</pre>`,
  );
  const source = `data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}`;
  return `<figure><span class="picture"><img loading="lazy" alt="frame ${frame} of clip ${key}" src="${source}"><svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none">${[...outlines, ...absent].join('')}</svg></span>
<figcaption><a href="${escapeHtml(href)}#t=${seconds.toFixed(3)}"><b>${timeCode(seconds)}</b></a> · frame ${frame} · ${reasons.map(describe).join('; ')}${
    lines.length > 0 ? `<details><summary>correct</summary>${lines.join('')}</details>` : ''
  }</figcaption></figure>`;
}

function outline(box: LoggedBox | undefined, cls: ClassName, label: string, kind: string, size: number): string {
  if (box === undefined) return '';
  const [x, y, width, height] = box;
  const place = `translate(${x} ${Math.max(size, y - size / 4)}) scale(${size.toFixed(1)})`;
  return `<rect class="${cls} ${kind}" style="fill:none" x="${x}" y="${y}" width="${width}" height="${height}"/><text class="${cls}" style="stroke:#000" transform="${place}">${label}</text>`;
}

function describe(reason: Reason): string {
  switch (reason.kind) {
    case 'before':
      return `${reason.track.class} ${reason.track.id} is covered from the next frame on`;
    case 'after':
      return `${reason.track.class} ${reason.track.id} is covered no more`;
    case 'unseen': {
      const { class: cls, id, unseen } = reason.track;
      return `${cls} ${id} was not seen in ${unseen.frames} frames, ${unseen.from} to ${unseen.from + unseen.frames - 1}`;
    }
    case 'weak':
      return `${reason.track.class} ${reason.track.id} scores ${reason.score.toFixed(2)} at most`;
    case 'cut':
      return 'a scene begins';
    case 'largest':
      return `${(100 * reason.share).toFixed(0)} % of the frame in boxes, the most`;
    case 'sample':
      return 'a sample';
  }
}

/** `m:ss.mmm`, with hours where there are some. */
function timeCode(seconds: number): string {
  const whole = Math.floor(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = String(Math.floor(whole / 60) % 60).padStart(hours > 0 ? 2 : 1, '0');
  const rest = `${String(whole % 60).padStart(2, '0')}.${String(Math.floor((seconds - whole) * 1000)).padStart(3, '0')}`;
  return `${hours > 0 ? `${hours}:` : ''}${minutes}:${rest}`;
}

function wanted(run: ClipReportData['run']): ClassName[] {
  const named = strings(run.classes);
  return CLASSES.filter((cls) => named.includes(cls));
}

function sum(clips: readonly ClipRow[], of: (clip: ClipRow) => number): number {
  return clips.reduce((total, clip) => total + of(clip), 0);
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return htmlTable(head, rows, (cell) => typeof cell === 'number');
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function plural(n: number, word: string): string {
  return `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;
}
