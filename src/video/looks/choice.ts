/** What a change between replacement and blur costs, in frames that are replaced although no pose was read in them. */
const CHANGE = 12;
/** What a frame costs that is blurred although its pose was read, in the same measure. */
const WASTED = 2;
/** What a frame costs in which something is drawn although none was seen: there may be nobody. */
const INVENTED = 2;
/** Frames for which a look is shown at least in a clip that is still arriving. */
const LEAST_SHOWN = 12;

const blurCosts = (isRead: boolean): number => (isRead ? WASTED : 0);
const replacementCosts = (isRead: boolean, isSeen: boolean): number => (isRead ? 0 : isSeen ? 1 : INVENTED);

/**
 * In which frames something that is followed is replaced, where it is blurred in the others: the fewest changes, by the
 * frames in which its pose could be read (the least costly sequence of two states; Viterbi, 1967). A pose that is read in a
 * third of the frames is enough; up to 24 frames without one are bridged between two long stretches with one, or 12 in
 * which the thing was not even seen.
 *
 * @param isRead of every frame of the track. @param isSeen whether it was detected in it.
 * @param start what it costs to begin with either look.
 */
export function replacedFrames(
  isRead: readonly boolean[],
  isSeen: readonly boolean[],
  start: { readonly blurred: number; readonly replaced: number } = { blurred: 0, replaced: 0 },
): boolean[] {
  let { blurred, replaced } = start;
  // Whether the cheapest way to be blurred or replaced in a frame comes from being replaced in the one before.
  const cameReplaced: { readonly blurred: boolean; readonly replaced: boolean }[] = [];
  for (const [i, read] of isRead.entries()) {
    const from = { blurred: i > 0 && replaced + CHANGE < blurred, replaced: i > 0 && replaced <= blurred + CHANGE };
    cameReplaced.push(from);
    const [before, beforeReplaced] = [blurred, replaced];
    blurred = (from.blurred ? beforeReplaced + CHANGE : before) + blurCosts(read);
    replaced =
      (i === 0 || from.replaced ? beforeReplaced : before + CHANGE) + replacementCosts(read, isSeen[i] === true);
  }
  const looks: boolean[] = new Array(isRead.length);
  let look = replaced < blurred;
  for (let i = isRead.length - 1; i >= 0; i--) {
    looks[i] = look;
    look = (look ? cameReplaced[i]?.replaced : cameReplaced[i]?.blurred) === true;
  }
  return looks;
}

/** The look that something has had up to a frame of a clip that is still arriving. */
export interface ShownLook {
  readonly isReplaced: boolean;
  /** Frames in a row with this look. */
  readonly frames: number;
  /** By how much the other look would have been cheaper in them, from 0 to what a change costs. */
  readonly regret: number;
}

/**
 * Whether something is replaced in the next frame: as `replacedFrames` would have it over the frames that are known,
 * if the look that was shown is to change for a cause only. A look that would have been cheaper in past frames becomes cheaper
 * to change to (cumulative sums; Page, 1954), so that it comes even where hardly any frame is known ahead.
 *
 * @param shown up to the frame before; nothing in a first frame.
 * @param isRead of the frame and of those after it, as far as is known. @param isSeen likewise.
 */
export function isReplacedNext(
  shown: ShownLook | undefined,
  isRead: readonly boolean[],
  isSeen: readonly boolean[],
): boolean {
  if (shown === undefined) return replacedFrames(isRead, isSeen)[0] === true;
  const { isReplaced, frames, regret } = shown;
  if (frames < LEAST_SHOWN) return isReplaced;
  const change = CHANGE - regret;
  const start = isReplaced ? { blurred: change, replaced: 0 } : { blurred: 0, replaced: change };
  return replacedFrames(isRead, isSeen, start)[0] === true;
}

/** What was shown up to a frame, that frame included. */
export function shownWith(
  before: ShownLook | undefined,
  frame: { readonly isReplaced: boolean; readonly isRead: boolean; readonly isSeen: boolean },
): ShownLook {
  const { isReplaced, isRead, isSeen } = frame;
  const goesOn = before !== undefined && before.isReplaced === isReplaced;
  const dearer = (replacementCosts(isRead, isSeen) - blurCosts(isRead)) * (isReplaced ? 1 : -1);
  const regret = (goesOn ? before.regret : 0) + dearer;
  return {
    isReplaced,
    frames: (goesOn ? before.frames : 0) + 1,
    regret: Math.min(CHANGE, Math.max(0, regret)),
  };
}
