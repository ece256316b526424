import { subsets } from './groups.js';
import { minimiseOver, type Problem } from './problems.js';
import type { Random } from './random.js';

/**
 * Where searches for a global minimum begin: the minimiser of L over every support, zero included, and some
 * random points. A penalty whose slope is infinite at zero has a local minimum on almost every support, and
 * these starts lie beside each of them.
 *
 * There are `2^G + random` of them.
 */
export function startsOnEverySupport(problem: Problem, random: Random, randomStarts = 4): Float64Array[] {
  const onSupports = subsets(problem.groups.length).map((members) => minimiseOver(problem, members).point);
  const anywhere = Array.from({ length: randomStarts }, () =>
    Float64Array.from({ length: problem.dimension }, () => random.normal()),
  );
  return [...onSupports, ...anywhere];
}
