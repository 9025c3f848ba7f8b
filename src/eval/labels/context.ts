import type { CategoryNames } from './names.ts';
import type { ImagePlaces } from './places.ts';
import type { LabelledImage } from './types.ts';

/** What all readers share. */
export interface ReadContext {
  readonly names: CategoryNames;
  readonly places: ImagePlaces;
}

/** What one label file says about one image. */
export interface LabelEntry {
  readonly image: LabelledImage;
  /** Absolute path of the label file. */
  readonly from: string;
}
