/** What a change between replacement and blur costs, in frames that are replaced although no pose was read in them. */
const CHANGE = 12;
/** What a frame costs that is blurred although its pose was read, in the same measure. */
const WASTED = 2;
/** What a frame costs in which a face is drawn although none was seen: there may be nobody. */
const INVENTED = 2;

/**
 * In which frames a followed face is replaced, where it is blurred in the others: the fewest changes, by the frames in
 * which its pose could be read (the least costly sequence of two states; Viterbi, 1967). A pose that is read in a third
 * of the frames is enough; up to 24 frames without one are bridged between two long stretches with one, or 12 in which the
 * face was not even seen.
 *
 * @param isRead of every frame of the track. @param isSeen whether the face was detected in it.
 */
export function replacedFrames(isRead: readonly boolean[], isSeen: readonly boolean[]): boolean[] {
  let [blurred, replaced] = [0, 0];
  // Whether the cheapest way to be blurred or replaced in a frame comes from being replaced in the one before.
  const cameReplaced: { readonly blurred: boolean; readonly replaced: boolean }[] = [];
  for (const [i, read] of isRead.entries()) {
    const from = { blurred: i > 0 && replaced + CHANGE < blurred, replaced: i > 0 && replaced <= blurred + CHANGE };
    cameReplaced.push(from);
    const [before, beforeReplaced] = [blurred, replaced];
    blurred = (from.blurred ? beforeReplaced + CHANGE : before) + (read ? WASTED : 0);
    replaced = (i === 0 || from.replaced ? beforeReplaced : before + CHANGE) + (read ? 0 : isSeen[i] ? 1 : INVENTED);
  }
  const looks: boolean[] = new Array(isRead.length);
  let look = replaced < blurred;
  for (let i = isRead.length - 1; i >= 0; i--) {
    looks[i] = look;
    look = (look ? cameReplaced[i]?.replaced : cameReplaced[i]?.blurred) === true;
  }
  return looks;
}
