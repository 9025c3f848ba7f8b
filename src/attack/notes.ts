import { LEAST_CONFIDENCE } from './legibility.ts';
import { FILTERS, SCALES } from './reading-attempts.ts';
import { IMPOSTOR_TAIL } from './source-similarity.ts';
import { TELLING } from './strings.ts';
import { FOUND_IOU } from './utility.ts';

/** What every report says of its own figures. */
export const NOTES: readonly string[] = [
  'The attack is on faces: a square within the detected box is recognised, while hair, clothes, bodies and places stay visible and may give people away.',
  'Faces are recognised where the detector sees them in the original, the largest one of a photograph as that of its person, and a doubtful one where none is certain: an adversary who knows where the face was.',
  'Recognition: face-api’s ResNet (dlib, 128 values, Euclidean distance), not trained on redacted faces. Naive: originals in the gallery, redacted probes; parrot: both redacted; pixels: parrot by mean colours of 10 × 10 cells, which tells light and complexion, too, so that it is above chance where photographs of one person were taken alike: compare it with what it tells of originals.',
  'Accuracy: mean of the shares of same and of different pairs told right, at the best threshold of each comparison; in brackets at the threshold that is best for originals. Chance: the same distances with people shuffled. Above chance: accuracy, area under the curve or rank 1 reach what shuffled people reach in 1 of 60 cases. Intervals: bootstrap over people, or over photographs of each where there are fewer than 10. No conclusion where originals are not told apart either.',
  `Source: share of redacted faces that are farther from their source than all but ${IMPOSTOR_TAIL * 100} % of the pairs of strangers are from each other; in brackets: from originals of others. Own nearest: how often the source is nearest among all originals.`,
  `Strings: of the original, read with a confidence of ${LEAST_CONFIDENCE} or more by PP-OCRv4, or labelled; ${TELLING} letters or digits at least. Recovered: ${TELLING} in a row are read again, at any confidence, at scales ${SCALES.join(', ')} or ${FILTERS.join(', ')}. Control: the same readings against the strings of other lines.`,
  `Utility: share of what the detectors find in the original that they find again (overlap of ${FOUND_IOU}, or the middle inside the original box).`,
  'Fréchet distance: features of CenterNet’s MobileNetV3 backbone, averaged over the photograph; diagonal covariance, since samples are small, so it cannot be compared with published FID.',
  'What detectors miss is not attacked here: anonymize eval measures that.',
];
