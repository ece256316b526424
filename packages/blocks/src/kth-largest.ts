/**
 * Selection: the k-th largest of many numbers without sorting them. Their bits are counted, the most significant
 * first, so that it takes as long whatever the numbers are (radix selection).
 */

export interface KthLargest {
  readonly value: number;
  /** How many of the numbers that equal it are not among the k largest. */
  readonly surplus: number;
}

/** Eleven bits of a key at a time: counts that stay in the processor's nearest cache. */
const BUCKETS = 2048;

/**
 * The `k`-th largest of the numbers. None may be NaN.
 *
 * @param k from 1 to the count
 */
export function kthLargest(numbers: Float32Array | Float64Array, k: number): KthLargest {
  if (numbers instanceof Float32Array) return kthLargestSingle(numbers, k);
  // Rounding keeps the order, so that only those are to be told apart that round to the same.
  const { value: rounded, surplus: below } = kthLargestSingle(new Float32Array(numbers), k);
  const alike = numbers.filter((number) => Math.fround(number) === rounded).sort();
  const value = alike[below]!;
  return { value, surplus: below - alike.findIndex((number) => number === value) };
}

function kthLargestSingle(numbers: Float32Array, k: number): KthLargest {
  const bits = new Int32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  const counts = new Uint32Array(BUCKETS);
  for (let i = 0; i < bits.length; i++) counts[(ordered(bits[i]!) >> 21) + BUCKETS / 2]!++;
  const high = ofRank(counts, k);
  const keys = new Int32Array(counts[high.bucket]!);
  counts.fill(0);
  let found = 0;
  for (let i = 0; i < bits.length; i++) {
    const key = ordered(bits[i]!);
    if ((key >> 21) + BUCKETS / 2 !== high.bucket) continue;
    keys[found++] = key;
    counts[(key >> 10) & (BUCKETS - 1)]!++;
  }
  const middle = ofRank(counts, high.rank);
  counts.fill(0);
  for (const key of keys) if (((key >> 10) & (BUCKETS - 1)) === middle.bucket) counts[key & 0x3ff]!++;
  const low = ofRank(counts, middle.rank);
  const key = ((high.bucket - BUCKETS / 2) << 21) | (middle.bucket << 10) | low.bucket;
  return {
    value: new Float32Array(Int32Array.of(ordered(key)).buffer)[0]!,
    surplus: counts[low.bucket]! - low.rank,
  };
}

/**
 * The bits of a float, as a whole number that is in the order of the floats: they are sign and size, and are made a
 * number with its sign; the same makes them bits again. 0 and −0 are both 0.
 */
function ordered(bits: number): number {
  return bits < 0 ? (-0x80000000 - bits) | 0 : bits;
}

/** The bucket that the one of this rank is in, the largest first, and its rank there. */
function ofRank(counts: Uint32Array, rank: number): { bucket: number; rank: number } {
  let bucket = counts.length - 1;
  while (counts[bucket]! < rank) rank -= counts[bucket--]!;
  return { bucket, rank };
}
