import { stat } from 'node:fs/promises';
import type { SampleLabels } from '../../core/labels.ts';
import { UsageError } from '../../errors.ts';
import { readText } from '../../eval/labels/text.ts';
import { type Fields, KeepError } from '../json-fields.ts';

/** What labels say of one image. */
export interface ImageLabels {
  /** Objects, for formats that have some. */
  readonly labels?: SampleLabels;
  /** The labels again, in their own form, with nothing but categories and geometry. */
  readonly member?: Uint8Array;
  /** Columns of metadata. */
  readonly fields?: Fields;
  /** Whether a file of labels beside the image was read. */
  readonly hasFile: boolean;
}

/** The labels of a folder of images. */
export interface LabelReader {
  /** Extension of the member, or of the file beside an image, that holds labels which pass. */
  readonly member?: string;
  /** Category names by the number that members use; only where they use numbers. */
  readonly categories?: Readonly<Record<string, string>>;
  /** Extension of files of labels beside images, which the listing counts. */
  readonly fileExtension?: string;
  /**
   * @param image POSIX path below the folder.
   * @throws KeepError for labels of this image that are not valid.
   */
  of(image: string): Promise<ImageLabels>;
  hasFileOf(image: string): boolean;
}

/** Bytes of the labels of one image. */
const LABEL_LIMIT = 2 ** 20;

/** The labels of one image as text. @throws KeepError */
export async function readLabelText(file: string): Promise<string> {
  const { size } = await stat(file).catch(() => ({ size: 0 }));
  if (size > LABEL_LIMIT) throw new KeepError('label-invalid', `Expected labels of at most ${LABEL_LIMIT} bytes`);
  return refusing(() => readText(file));
}

/** Runs what throws for a label file as for an option; here only the image is at fault. */
export async function refusing<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UsageError) throw new KeepError('label-invalid', error.message);
    throw error;
  }
}

/** Paths of a file with labels for an image: in one of `folders` where the image is in one of `images`, or beside it. */
export function labelPaths(
  image: string,
  extension: string,
  images: readonly string[],
  folders: readonly string[],
): string[] {
  const segments = image.split('/');
  const name = `${(segments.pop() as string).replace(/\.[^.]*$/, '')}.${extension}`;
  const at = segments.findLastIndex((segment) => images.includes(segment.toLowerCase()));
  const elsewhere =
    at < 0 ? [] : folders.map((folder) => [...segments.slice(0, at), folder, ...segments.slice(at + 1), name]);
  const atRoot = at < 0 ? folders.map((folder) => [folder, ...segments, name]) : [];
  return [...elsewhere, [...segments, name], ...atRoot].map((path) => path.join('/'));
}
