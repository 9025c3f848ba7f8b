import { FORMATS, type ImageFormat } from '../core/types.ts';

/** Extensions by format, lower case; the first is the one that published files get. */
const FORMAT_EXTENSIONS: Readonly<Record<ImageFormat, readonly [string, ...string[]]>> = {
  jpeg: ['jpg', 'jpeg', 'jpe', 'jfif'],
  png: ['png'],
  webp: ['webp'],
  avif: ['avif'],
  tiff: ['tiff', 'tif'],
  gif: ['gif'],
};

/** Cannot be published, but must not be skipped in silence either: they become samples and are quarantined. */
const REFUSED_IMAGES = ['bmp', 'heic', 'heif', 'svg', 'pdf'];

const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set([...Object.values(FORMAT_EXTENSIONS).flat(), ...REFUSED_IMAGES]);

const VIDEO_EXTENSIONS: ReadonlySet<string> = new Set(
  'mp4 m4v mov avi mkv webm mpg mpeg wmv flv 3gp ts mts m2ts ogv'.split(' '),
);

/** A POSIX path without and with only its extension: `a/b.JPG` → `a/b`, `.JPG`. A dot file has none. */
export function splitExtension(path: string): { readonly stem: string; readonly extension: string } {
  const start = path.lastIndexOf('/') + 1;
  const dot = path.lastIndexOf('.');
  if (dot <= start || dot === path.length - 1) return { stem: path, extension: '' };
  return { stem: path.slice(0, dot), extension: path.slice(dot) };
}

/** The extension of a POSIX path, lower case, without the dot; empty for none. */
export function extensionOf(path: string): string {
  return splitExtension(path).extension.slice(1).toLowerCase();
}

/** What lies beside images in sets of them. */
const SIDECAR_EXTENSIONS =
  'txt md json jsonl ndjson csv tsv xml yaml yml html htm log cls id caption npy npz npx pt pth pkl pickle mat bin idx index parquet arrow h5 hdf5 lmdb db sqlite tar zip gz tgz 7z rar xmp aae thm dng cr2 cr3 nef arw orf rw2 raf jxl jp2 psd ico exr hdr mp3 wav flac ogg m4a';

const COUNTED_EXTENSIONS: ReadonlySet<string> = new Set([
  ...IMAGE_EXTENSIONS,
  ...VIDEO_EXTENSIONS,
  ...SIDECAR_EXTENSIONS.split(' '),
]);

/** The extension as a key for counting, which is printed: one that is not well known may be a name, and is `other`. */
export function extensionLabel(path: string): string {
  const extension = extensionOf(path);
  if (extension === '') return 'none';
  return COUNTED_EXTENSIONS.has(extension) ? extension : 'other';
}

export function looksLikeImage(path: string): boolean {
  return IMAGE_EXTENSIONS.has(extensionOf(path));
}

/** Whether a name is one of images or films, which must not pass as they are. */
export function isPictureName(path: string): boolean {
  return looksLikeImage(path) || looksLikeVideo(path);
}

export function looksLikeVideo(path: string): boolean {
  return VIDEO_EXTENSIONS.has(extensionOf(path));
}

/** The extension of a published image, without the dot. */
export function extensionFor(format: ImageFormat): string {
  return FORMAT_EXTENSIONS[format][0];
}

function formatOf(path: string): ImageFormat | undefined {
  const extension = extensionOf(path);
  return FORMATS.find((format) => FORMAT_EXTENSIONS[format].includes(extension));
}

/** `path` with the extension of `format`; unchanged when its extension already says so (`A.JPG`, `a.jpeg`). */
export function withExtensionFor(path: string, format: ImageFormat): string {
  if (formatOf(path) === format) return path;
  return `${splitExtension(path).stem.replace(/\.+$/, '')}.${extensionFor(format)}`;
}

/** Number of files per extension. */
export function countExtensions(paths: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const label = extensionLabel(path);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return counts;
}
