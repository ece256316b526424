// How work is divided among threads, and whether that pays. Each element of a result is made by one thread, as the same sum
// as by one thread alone.

/** C [m, n] = op(A) [m, k] · op(B) [k, n]. */
export interface ProductShape {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

export interface ProductDivision {
  readonly byRows: boolean;
  /** Part i of C is its rows, or columns, bounds[i] to bounds[i + 1] - 1. */
  readonly bounds: readonly number[];
}

/** Parts of a product are whole register tiles of assembly/tiles.ts, of 6 and of 4 rows, of 8 columns. */
const ROWS = 12;
const COLUMNS = 8;

/** By the rows of C or by its columns, whichever are more, so that what every thread needs whole is the smaller operand. */
export function divideProduct({ m, n }: ProductShape, threads: number): ProductDivision {
  const byRows = m >= n;
  return { byRows, bounds: byRows ? divide(m, threads, ROWS) : divide(n, threads, COLUMNS) };
}

/**
 * Cuts 0 to `length` into parts of whole units that differ by one unit at most. The first, whose thread also copies for the
 * others, has the fewest, and the unit that is not whole. Part i is bounds[i] to bounds[i + 1] - 1; it may be empty.
 */
export function divide(length: number, threads: number, unit = 1): number[] {
  const units = Math.ceil(length / unit);
  return Array.from({ length: threads + 1 }, (_, i) =>
    Math.max(0, length - unit * Math.ceil((units * (threads - i)) / threads)),
  );
}

/** Floats from one to before the other, of a tensor as it is stored. */
export type Run = readonly [first: number, end: number];

/** What the other threads read of A and of B: all, unless it is one run of rows as the operand is stored. */
export function operandsOfOthers(
  { transposeA, transposeB, m, n, k }: ProductShape,
  { byRows, bounds }: ProductDivision,
): { a: Run; b: Run } {
  const own = bounds[1]!;
  return {
    a: [byRows && !transposeA ? own * k : 0, m * k],
    b: [!byRows && transposeB ? own * k : 0, k * n],
  };
}

/** What the other threads make of C. */
export function resultsOfOthers({ m, n }: ProductShape, { byRows, bounds }: ProductDivision): readonly Run[] {
  const own = bounds[1]!;
  if (byRows) return [[own * n, m * n]];
  return Array.from({ length: m }, (_, row) => [row * n + own, (row + 1) * n] as const);
}

// Measured by scripts/threads-crossover.mjs.
/** Multiply-adds of one thread in a microsecond. */
const MULTIPLY_ADDS = 24_000;
/** Floats copied from one memory to the other, and read by another core, in a microsecond. */
const COPIED_FLOATS = 1_500;
/** Microseconds until another thread is awake and the two have found each other again. */
const WAKING = 80;

/**
 * Whether a division is expected to be faster than one thread.
 *
 * @param bounds of the parts
 * @param work multiply-adds of a part of 1
 * @param copied floats to the other threads and back
 */
export function pays(bounds: readonly number[], work: number, copied: number): boolean {
  const longest = Math.max(...bounds.slice(1).map((end, i) => end - bounds[i]!));
  const saved = (bounds.at(-1)! - longest) * work;
  return saved / MULTIPLY_ADDS > copied / COPIED_FLOATS + WAKING;
}
