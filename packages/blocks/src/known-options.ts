/** Options by name: one that nobody knows is a slip of the pen, and would do nothing in silence. */
import { describeValue } from './describe-value.js';

/**
 * @param given the options as the caller gave them
 * @param known the names that there are
 * @param of whose options they are, as an error is to call it: `sparsify()`
 * @throws TypeError where `given` is no object of options, or has one that is not known, with the nearest that is
 */
export function assertKnownOptions(given: object, known: readonly string[], of: string): void {
  const isObject = typeof given === 'object' && given !== null;
  if (!isObject || Array.isArray(given) || typeof (given as { then?: unknown }).then === 'function') {
    throw new TypeError(
      `${of} takes an object of options (${known.join(', ')}), it is given ${describeValue(given)}`,
    );
  }
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearest(unknown, known);
  throw new TypeError(
    `${of} has no option '${unknown}': ${near ? `did you mean ${near}?` : `it has ${known.join(', ')}`}`,
  );
}

/** The known name that the fewest letters set apart, upper and lower case alike; null where more than half do. */
export function nearest(name: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let least = Infinity;
  for (const candidate of known) {
    const apart = distance(name.toLowerCase(), candidate.toLowerCase());
    if (apart >= least || apart > Math.max(name.length, candidate.length) / 2) continue;
    [best, least] = [candidate, apart];
  }
  return best;
}

/** How many letters are to be added, taken away or replaced to make `b` of `a` (Levenshtein 1966). */
function distance(a: string, b: string): number {
  let before = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const row = [i + 1];
    for (let j = 0; j < b.length; j++) {
      row.push(Math.min(before[j]! + (a[i] === b[j] ? 0 : 1), before[j + 1]! + 1, row[j]! + 1));
    }
    before = row;
  }
  return before[b.length]!;
}
