/**
 * A product over kept blocks as few dense ones, and what it takes. A line is a column of blocks (a row of them, for the
 * transposed kernel): the columns of x that meet its blocks, side by side, times those blocks, one below the other. Lines
 * that keep about as many blocks are taken in one batch, padded by zeros to the most of the batch.
 */
import { assertPattern } from '../../assert-tensor.js';
import type { BlockPattern } from '../../pattern.js';

/** One line: the other coordinate of its kept blocks, and their places in storage. */
export interface Line {
  readonly partners: Int32Array;
  readonly places: Int32Array;
}

/** Lines that are computed in one batch. */
interface LineBatch {
  /** Which lines, ascending. */
  readonly lines: readonly number[];
  /** How many blocks each of them is padded to. */
  readonly length: number;
}

/** How a product is computed, for about so many rows. */
export interface Plan {
  readonly pattern: BlockPattern;
  readonly transposed: boolean;
  readonly batches: readonly LineBatch[];
  /** How many lines there are, and how many columns of the product each is of. */
  readonly lines: number;
  readonly side: number;
  /** Columns of the product. */
  readonly width: number;
  /** Columns of x that a block meets. */
  readonly depth: number;
  /** Whether x is turned first, and rows of xᵀ are gathered, which are long; else parts of rows of x, as wide as a block. */
  readonly turned: boolean;
  /** Rows that are computed at a time. */
  readonly rowsAtOnce: number;
  /** What a product takes, where the weights lie as it wants them, in microseconds. */
  readonly microseconds: number;
  /** Of its tables. */
  readonly key: string;
}

/**
 * Microseconds on one core of an AMD EPYC (AVX2), TensorFlow 2.21: of a call, with what JavaScript does for it; of a multiply-add, where products are wide; of
 * a row that is gathered, and of a number in it; of a number that is turned, going in and coming out, and with its block;
 * of a number of a kernel that is read. `node benchmarks/tensorflow.bench.mjs` measures what becomes of them.
 */
const CALL = 14;
const MULTIPLY_ADD = 1 / 25_000;
const GATHERED_ROW = 1 / 120;
const GATHERED = 1 / 4_000;
const TURNED_IN = 1 / 500;
const TURNED_OUT = 1 / 1_250;
const TURNED_BLOCK = 1 / 3_000;
const READ = 1 / 12_000;
/** Calls of a batch, those that arrange its weights among them; and beside them, where there are several. */
const CALLS_OF_BATCH = 5;
const CALLS_OF_BATCHES = 2;
/** Numbers that are gathered at once: 16 MB. */
const PANEL = 2 ** 22;

const plans = new WeakMap<BlockPattern, Map<string, Plan>>();

/** @param rows of x, at least 1 */
export function planOf(pattern: BlockPattern, transposed: boolean, rows: number): Plan {
  const about = 2 ** Math.ceil(Math.log2(rows));
  const key = `${transposed ? 'x·Wᵀ' : 'x·W'} of ${about}`;
  let ofPattern = plans.get(pattern);
  if (!ofPattern) plans.set(pattern, (ofPattern = new Map()));
  let plan = ofPattern.get(key);
  if (!plan) ofPattern.set(key, (plan = makePlan(pattern, transposed, about, key)));
  return plan;
}

function makePlan(pattern: BlockPattern, transposed: boolean, rows: number, key: string): Plan {
  const [from, to] = transposed ? ([1, 0] as const) : ([0, 1] as const);
  const [depth, side] = [pattern.blockShape[from], pattern.blockShape[to]];
  const [inputs, width] = [pattern.matrixShape[from], pattern.matrixShape[to]];
  const lengths = linesOf(pattern, transposed).map(({ places }) => places.length);
  const ways = [false, true].map((turned) => {
    const [slices, long] = turned ? [depth, rows] : [rows, depth];
    const multiplied = depth * side * (rows * multiplyAdd(side) + READ);
    const perBlock = multiplied + slices * (GATHERED_ROW + long * GATHERED);
    const { batches, cost } = batchesOf(lengths, perBlock);
    const turning = turned
      ? rows * (inputs * TURNED_IN + width * TURNED_OUT)
      : rows * width * (rows > 1 ? TURNED_BLOCK : 0);
    return { turned, batches, microseconds: cost + turning + 3 * CALL };
  });
  const [way] = ways.sort((a, b) => a.microseconds - b.microseconds);
  const blocks = Math.max(...way!.batches.map((each) => each.lines.length * each.length));
  const rowsAtOnce = Math.max(1, Math.floor(PANEL / (blocks * depth)));
  return { pattern, transposed, lines: lengths.length, side, width, depth, rowsAtOnce, key, ...way! };
}

/** Narrow products are slower. */
function multiplyAdd(side: number): number {
  return MULTIPLY_ADD * (1 + 8 / side);
}

/**
 * Up to how many rows x·W is faster by the whole kernel, zeros and all, on the native TensorFlow backend: of small kernels,
 * as a product by the kept blocks is several calls, and a dense one is one. By what calls and products took where they were
 * measured (`node benchmarks/tensorflow.bench.mjs`). It is so computed where the values are those of the product before, as
 * in predictions: the whole kernel is then kept beside its blocks.
 *
 * @returns a power of two; 0 for none, as of every kernel of more than 1 MB
 * @throws TypeError for what is no pattern
 */
export function wholeUpTo(pattern: BlockPattern): number {
  assertPattern(pattern);
  let rows = wholeRows.get(pattern);
  if (rows === undefined) wholeRows.set(pattern, (rows = rowsOfWhole(pattern)));
  return rows;
}

const wholeRows = new WeakMap<BlockPattern, number>();

function rowsOfWhole(pattern: BlockPattern): number {
  const [n, m] = pattern.matrixShape;
  if (4 * n * m > LARGEST_WHOLE) return 0;
  const isFaster = (rows: number) =>
    CALL + n * m * (rows * multiplyAdd(m) + READ) < planOf(pattern, false, rows).microseconds;
  let rows = 1;
  while (rows <= MOST_ROWS && isFaster(rows)) rows *= 2;
  return Math.floor(rows / 2);
}

/** Bytes of a kernel that may be kept whole beside its blocks: 1 MB. */
const LARGEST_WHOLE = 2 ** 20;
const MOST_ROWS = 2 ** 20;

export function linesOf(pattern: BlockPattern, transposed: boolean): Line[] {
  const { pointers, indices, order } = transposed ? rowView(pattern) : pattern.columns();
  return Array.from({ length: pointers.length - 1 }, (_, line) => {
    const [from, to] = [pointers[line]!, pointers[line + 1]!];
    return { partners: indices.subarray(from, to), places: order.subarray(from, to) };
  });
}

function rowView({ pointers, indices }: BlockPattern) {
  return { pointers, indices, order: Int32Array.from(indices, (_, at) => at) };
}

/** The batches that cost least, given what a block does, kept or a padding; lines without a block are in one of them. */
function batchesOf(
  lengths: readonly number[],
  perBlock: number,
): { readonly batches: readonly LineBatch[]; readonly cost: number } {
  const sorted = [...new Set(lengths)].sort((a, b) => a - b);
  const counts = sorted.map((length) => lengths.filter((other) => other === length).length);
  // Of the shorter lengths, up to each: what they cost, and the length at which their last batch begins.
  const best: { cost: number; first: number }[] = [];
  for (let last = 0; last < sorted.length; last++) {
    let count = 0;
    let found = { cost: Infinity, first: last };
    for (let first = last; first >= 0; first--) {
      count += counts[first]!;
      const own = CALLS_OF_BATCH * CALL + count * blocksAt(sorted[last]!) * perBlock;
      const cost = (best[first - 1]?.cost ?? 0) + own;
      if (cost < found.cost) found = { cost, first };
    }
    best.push(found);
  }
  const longest = blocksAt(sorted.at(-1)!);
  const together = CALLS_OF_BATCH * CALL + lengths.length * longest * perBlock;
  const apart = best.at(-1)!.cost + CALLS_OF_BATCHES * CALL;
  if (together <= apart) {
    return { batches: [{ lines: lengths.map((_, line) => line), length: longest }], cost: together };
  }
  const batches: LineBatch[] = [];
  for (let last = sorted.length - 1; last >= 0; last = best[last]!.first - 1) {
    const [low, high] = [sorted[best[last]!.first]!, sorted[last]!];
    const lines = lengths.flatMap((own, line) => (own >= low && own <= high ? [line] : []));
    batches.push({ lines, length: blocksAt(high) });
  }
  return { batches, cost: apart };
}

/** A line without a block is one of zeros. */
function blocksAt(length: number): number {
  return Math.max(1, length);
}
