import {
  type Correspondence,
  type Draw,
  improve,
  incompleteTargets,
  reassess,
  refined,
  sourcesOf,
  unify,
} from './correspondence.ts';
import { CELL, coarserLevel, countOf, type Level } from './level.ts';
import { peel } from './peel.ts';
import { confidenceOf, vote } from './vote.ts';

/** Halved until about so many cells are to be filled. */
const COARSEST_HOLE = 90;

/** A level needs so many patches to choose from, or it is left out. */
const FEWEST_SOURCES = 16;

/** Rounds of search and vote, from the finest level to the coarsest. */
const ROUNDS = [3, 4, 6, 8] as const;

/** A patch may be so much worse when it continues its neighbour's. */
const SLACK = { share: 0.25, level: 25 * 3 * 4 } as const;

/**
 * Fills the holes of `finest` from its known patches, coarse to fine (Wexler et al., 2007, with the search of Barnes
 * et al., 2009), in place, and tells what each patch was taken from; undefined when no whole patch is known.
 */
export function complete(finest: Level, draw: Draw): Correspondence | undefined {
  const levels = pyramid(finest);
  let found: Correspondence | undefined;
  for (let i = levels.length - 1; i >= 0; i--) {
    const level = levels[i] as Level;
    const sources = sourcesOf(level);
    const confidence = confidenceOf(level);
    const incomplete = incompleteTargets(level);
    if (sources.length === 0) return undefined;
    if (found) {
      found = refined(levels[i + 1] as Level, found, level, sources, draw);
      vote(level, found, confidence, false);
    } else {
      found = peel(level, sources, draw);
    }
    reassess(level, found, incomplete);
    const rounds = ROUNDS[Math.min(i, ROUNDS.length - 1)] as number;
    for (let round = 0; round < rounds; round++) {
      improve(level, found, incomplete, draw, round % 2 === 1);
      vote(level, found, confidence, true);
      reassess(level, found, incomplete);
    }
    if (i === 0) unify(level, found, incomplete, SLACK);
  }
  return found;
}

function pyramid(finest: Level): Level[] {
  const levels = [finest];
  for (let last = finest; countOf(last, CELL.hole) > COARSEST_HOLE; levels.push(last)) {
    last = coarserLevel(last);
    if (sourcesOf(last).length < FEWEST_SOURCES) break;
  }
  return levels;
}
