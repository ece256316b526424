// How a product is divided among threads: C by its rows or by its columns, whichever are more, so that what every thread
// needs whole is the smaller operand. Each element of C is made by one thread, as the same sum as by one thread alone.

/** C [m, n] = op(A) [m, k] · op(B) [k, n]. */
export interface ProductShape {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

export interface Division {
  readonly byRows: boolean;
  /** Part i of C is its rows, or columns, bounds[i] to bounds[i + 1] - 1. */
  readonly bounds: readonly number[];
}

/** Parts are whole register tiles of assembly/tiles.ts, of 6 and of 4 rows, of 8 columns. */
const ROWS = 12;
const COLUMNS = 8;

/** `threads` parts of one size; the first, of the thread that also copies, has what is left over. */
export function divide({ m, n }: ProductShape, threads: number): Division {
  const byRows = m >= n;
  const [length, unit] = byRows ? [m, ROWS] : [n, COLUMNS];
  const share = Math.ceil(length / threads / unit) * unit;
  const bounds = Array.from({ length: threads + 1 }, (_, i) => Math.max(0, length - (threads - i) * share));
  bounds[0] = 0;
  return { byRows, bounds };
}

/** Floats from one to before the other, of a matrix as it is stored. */
export type Run = readonly [first: number, end: number];

/** What is copied for the other threads: their part of C, and of A and B all, unless they read one run of rows as it is stored. */
export function copiedFor(
  { transposeA, transposeB, m, n, k }: ProductShape,
  { byRows, bounds }: Division,
): { a: Run; b: Run; c: readonly Run[] } {
  const own = bounds[1]!;
  return {
    a: [byRows && !transposeA ? own * k : 0, m * k],
    b: [!byRows && transposeB ? own * k : 0, k * n],
    c: byRows
      ? [[own * n, m * n]]
      : Array.from({ length: m }, (_, row) => [row * n + own, (row + 1) * n] as const),
  };
}

// Measured by scripts/threads-crossover.mjs.
/** Multiply-adds of one thread in a microsecond. */
const MULTIPLY_ADDS = 24_000;
/** Floats copied from one memory to the other, and read by another core, in a microsecond. */
const COPIED_FLOATS = 1_500;
/** Microseconds until another thread is awake. */
const WAKING = 40;

/** Whether `threads` threads are expected to be faster than one, by a model of what is copied and what is saved. */
export function pays(shape: ProductShape, threads: number): boolean {
  const { m, n, k } = shape;
  const { byRows, bounds } = divide(shape, threads);
  const [length, across] = byRows ? [m, n] : [n, m];
  const longest = Math.max(bounds[1]!, bounds[2]! - bounds[1]!);
  const saved = (length - longest) * across * k;
  const copied = m * k + k * n + (length - bounds[1]!) * across;
  return saved / MULTIPLY_ADDS > copied / COPIED_FLOATS + WAKING;
}
