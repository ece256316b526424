/** Seeded randomness: the same numbers on every machine, for one seed and one purpose. */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

import { assertArgument, isWhole } from './arguments.js';

export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** A whole number from 0 up to, not including, `below`. */
  integer(below: number): number;
  /** Standard normal. */
  normal(): number;
}

/**
 * A stream of random numbers.
 *
 * @param seed a whole number from 0
 * @param purpose sets streams of one seed apart, so that drawing more of one changes no other
 * @throws RangeError or TypeError for a seed or a purpose that is none
 */
export function random(seed: number, purpose: string): Random {
  assertArgument(isWhole(seed, 0), 'random(): seed', seed, 'a whole number of at least 0');
  assertArgument(typeof purpose === 'string', 'random(): purpose', purpose, "a word, such as 'batches'");
  const digest = sha256(utf8ToBytes(`${seed}/${purpose}`));
  const generator = xoroshiro128plus(new DataView(digest.buffer, digest.byteOffset).getInt32(0, true));
  const uniform = () => uniformFloat64(generator);
  return {
    uniform,
    integer: (below) => uniformInt(generator, 0, below - 1),
    // Box and Muller 1958; 1 − u keeps the logarithm from 0.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}

/** The numbers from 0 up to, not including, `count`, in random order (Fisher and Yates). */
export function permutation(count: number, draws: Random): Int32Array {
  assertArgument(isWhole(count, 0), 'permutation(): count', count, 'a whole number of at least 0');
  const isRandom = typeof (draws as Random | null | undefined)?.integer === 'function';
  assertArgument(isRandom, 'permutation(): random', draws, 'what random(seed, purpose) makes');
  const { integer } = draws;
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = integer(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
