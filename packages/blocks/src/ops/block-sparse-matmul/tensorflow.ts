/** `BlockSparseMatMul` and `BlockSparseWeightGradient` by a few ops of TensorFlow: gathers, and batched dense products. */
import type { Handle, Table, TensorflowRun } from '../../backends/tensorflow/kernel.js';
import {
  add,
  batchMatMul,
  concat,
  cut,
  gather,
  padBehind,
  reshape,
  transpose,
  zeros,
} from '../../backends/tensorflow/ops.js';
import { asUnits, unitOf, withZeroUnit } from '../../backends/tensorflow/units.js';
import type { BlockPattern, PatternAttribute } from '../../pattern.js';
import type { MatMulAttributes } from './attributes.js';
import { batchesOf, linesOf, type LineBatch } from './lines.js';

type Inputs<Names extends string> = Readonly<Record<Names, Handle>>;

/** x `[B, n]`, values `[size]`, bias `[m]` → `[B, m]`; transposed, x `[B, m]` → `[B, n]`. */
function matMul(
  run: TensorflowRun,
  { x, values, bias }: Inputs<'x' | 'values'> & Partial<Inputs<'bias'>>,
  { pattern, transposed, activation }: MatMulAttributes,
): Handle {
  const product = productOf(run, x, values, planOf(pattern, transposed, x.shape[0]!));
  const biased = bias ? add(run, product, bias) : product;
  return activation === 'relu' ? run.op('Relu', [biased]) : biased;
}

function productOf(run: TensorflowRun, x: Handle, values: Handle, plan: Plan): Handle {
  const { pattern, width, batches, side } = plan;
  const batch = x.shape[0]!;
  if (pattern.blocks === 0 || batch === 0) return zeros(run, [batch, width]);
  const weights = weightsOf(run, values, plan);
  if (batch === 1) {
    // A row needs no turning: it is gathered as the lines want it.
    const parts = batches.map((_, at) => {
      const own = gather(run, x, sourcesOf(run, plan, at), 1);
      const product = plan.transposed
        ? batchMatMul(run, weights[at]!, own)
        : batchMatMul(run, own, weights[at]!);
      return reshape(run, product, [1, batches[at]!.lines.length * side]);
    });
    return inOrder(run, concat(run, parts, 1), plan, 1);
  }
  const turned = transpose(run, x, [1, 0]);
  const parts = batches.map((_, at) =>
    batchMatMul(run, weights[at]!, gather(run, turned, sourcesOf(run, plan, at)), {
      first: !plan.transposed,
    }),
  );
  const rows = reshape(run, concat(run, parts), [plan.lines * side, batch]);
  return transpose(run, inOrder(run, rows, plan, 0), [1, 0]);
}

/** x `[B, n]`, dy `[B, m]` → `[size]`. */
function weightGradient(
  run: TensorflowRun,
  { x, dy }: Inputs<'x' | 'dy'>,
  { pattern }: PatternAttribute,
): Handle {
  const batch = x.shape[0]!;
  if (pattern.blocks === 0 || batch === 0) return zeros(run, [pattern.size]);
  const plan = planOf(pattern, false, Math.max(2, batch));
  const { batches, side, lines } = plan;
  const unit = unitOf(pattern);
  const whole = padBehind(run, dy, [0, lines * side - pattern.matrixShape[1]]);
  const columns = transpose(run, reshape(run, whole, [batch, lines, side]), [1, 0, 2]);
  const turned = transpose(run, x, [1, 0]);
  const parts = batches.map(({ lines: own }, at) => {
    const flows =
      own.length === lines
        ? columns
        : gather(
            run,
            columns,
            run.table(pattern, `${plan.key} lines ${at}`, () => listOf(own)),
          );
    return asUnits(run, batchMatMul(run, gather(run, turned, sourcesOf(run, plan, at)), flows), unit);
  });
  const places = run.table(pattern, `${plan.key} values`, () => valuePlaces(plan));
  return reshape(run, gather(run, concat(run, parts), places), [pattern.size]);
}

/** How a product is computed, for about so many rows. */
interface Plan {
  readonly pattern: BlockPattern;
  readonly transposed: boolean;
  readonly batches: readonly LineBatch[];
  /** How many lines there are, and how many columns of the product each is of. */
  readonly lines: number;
  readonly side: number;
  /** Columns of the product. */
  readonly width: number;
  /** Rows of xᵀ of each block. */
  readonly depth: number;
  /** Of its tables. */
  readonly key: string;
}

const plans = new WeakMap<BlockPattern, Map<string, Plan>>();

function planOf(pattern: BlockPattern, transposed: boolean, batch: number): Plan {
  const rows = batch === 1 ? 1 : 2 ** Math.ceil(Math.log2(batch));
  const key = `${transposed ? 'rows' : 'columns'} × ${rows}`;
  let ofPattern = plans.get(pattern);
  if (!ofPattern) plans.set(pattern, (ofPattern = new Map()));
  let plan = ofPattern.get(key);
  if (!plan) ofPattern.set(key, (plan = makePlan(pattern, transposed, rows, key)));
  return plan;
}

/** Of a call of TensorFlow, a multiply-add and a number that is read, in microseconds (one core, `tensorflow.bench.mjs`). */
const CALL = 8;
const MULTIPLY_ADD = 1 / 20_000;
const NUMBER = 1 / 2_500;
/** Numbers of the panels that are gathered at once: 16 MB. */
const PANEL = 2 ** 22;

function makePlan(pattern: BlockPattern, transposed: boolean, rows: number, key: string): Plan {
  const [from, to] = transposed ? ([1, 0] as const) : ([0, 1] as const);
  const [depth, side] = [pattern.blockShape[from], pattern.blockShape[to]];
  const lengths = linesOf(pattern, transposed).map(({ places }) => places.length);
  const perBlock = depth * side * (rows * MULTIPLY_ADD + NUMBER) + depth * rows * NUMBER;
  const batches = batchesOf(lengths, { perBlock, perBatch: 4 * CALL }, Math.ceil(PANEL / (depth * rows)));
  const width = pattern.matrixShape[to];
  return { pattern, transposed, batches, lines: lengths.length, side, width, depth, key };
}

/** Rows of xᵀ that a batch's lines meet: `[lines, length · depth]`; of one row x, as that is multiplied. */
function sourcesOf(run: TensorflowRun, plan: Plan, at: number): Handle {
  return run.table(plan.pattern, `${plan.key} sources ${at}`, () => {
    const { pattern, transposed, depth, batches, key } = plan;
    const { lines, length } = batches[at]!;
    const end = pattern.matrixShape[transposed ? 1 : 0];
    const all = linesOf(pattern, transposed);
    const values = new Int32Array(lines.length * length * depth);
    lines.forEach((line, place) => {
      const { partners } = all[line]!;
      for (let block = 0; block < length; block++) {
        // What is padded is times zero, and reads what the line reads anyhow: no infinity that it would not meet.
        const first = (partners[block] ?? partners[0] ?? 0) * depth;
        const to = (place * length + block) * depth;
        for (let i = 0; i < depth; i++) values[to + i] = first + i < end ? first + i : first;
      }
    });
    const inner = length * depth;
    const ofOneRow = transposed ? [lines.length, inner, 1] : [lines.length, 1, inner];
    return { values, shape: key.endsWith('× 1') ? ofOneRow : [lines.length, inner] };
  });
}

/** The kept weights as the batches multiply by them: `[lines, length · Br, Bc]`; transposed, `[lines, Br, length · Bc]`. */
function weightsOf(run: TensorflowRun, values: Handle, plan: Plan): Handle[] {
  const { pattern, transposed, batches, key } = plan;
  const unit = unitOf(pattern);
  const units = withZeroUnit(run, values, unit);
  return batches.map(({ lines, length }, at) => {
    const [height, across] = pattern.blockShape;
    const own = gather(
      run,
      units,
      run.table(pattern, `${key} weights ${at}`, () => weightPlaces(plan, at)),
    );
    const shape = transposed
      ? [lines.length, height, length * across]
      : [lines.length, length * height, across];
    return reshape(run, own, shape);
  });
}

/** Of each unit of a batch's weights its place among the units of the values, that after the last for zeros. */
function weightPlaces({ pattern, transposed, batches }: Plan, at: number): Table {
  const { lines, length } = batches[at]!;
  const [height, across] = pattern.blockShape;
  const unit = unitOf(pattern);
  const perRow = across / unit;
  const values = new Int32Array(lines.length * length * height * perRow).fill(pattern.size / unit);
  eachRow({ pattern, transposed, batches }, at, (place, block, i, first, width) => {
    const row = transposed ? (place * height + i) * length + block : (place * length + block) * height + i;
    for (let j = 0; j < width / unit; j++) values[row * perRow + j] = first / unit + j;
  });
  // Of whole rows the product needs no other shape.
  const ofRows = transposed ? [height, length * perRow] : [length * height, ...(perRow > 1 ? [perRow] : [])];
  return { values, shape: [lines.length, ...ofRows] };
}

/** Of each unit of the values its place among those of the batches' products xᵀ·dy, one batch after the other. */
function valuePlaces(plan: Plan): Table {
  const { pattern, batches } = plan;
  const [height, across] = pattern.blockShape;
  const unit = unitOf(pattern);
  const values = new Int32Array(pattern.size / unit);
  let before = 0;
  batches.forEach(({ lines, length }, at) => {
    eachRow(plan, at, (place, block, i, first, width) => {
      const row = before + (place * length + block) * height + i;
      for (let j = 0; j < width / unit; j++) values[first / unit + j] = (row * across) / unit + j;
    });
    before += lines.length * length * height;
  });
  return { values, shape: [values.length] };
}

/** Visits the rows of the kept blocks of a batch: line, block and row in it; where its values begin, and how many. */
function eachRow(
  { pattern, transposed, batches }: Pick<Plan, 'pattern' | 'transposed' | 'batches'>,
  at: number,
  visit: (place: number, block: number, row: number, first: number, width: number) => void,
): void {
  const all = linesOf(pattern, transposed);
  const [n, m] = pattern.matrixShape;
  const [height, across] = pattern.blockShape;
  batches[at]!.lines.forEach((line, place) => {
    const { partners, places } = all[line]!;
    places.forEach((stored, block) => {
      const [row, column] = transposed ? [line, partners[block]!] : [partners[block]!, line];
      const width = Math.min(across, m - column * across);
      for (let i = 0; i < Math.min(height, n - row * height); i++) {
        visit(place, block, i, pattern.offsets[stored]! + i * width, width);
      }
    });
  });
}

/** The columns of the product, which are computed batch by batch, in their order, along an axis. */
function inOrder(run: TensorflowRun, computed: Handle, plan: Plan, axis: number): Handle {
  const { batches, lines, side, width, pattern, key } = plan;
  if (batches.length === 1) {
    return cut(run, computed, axis === 0 ? [width, computed.shape[1]!] : [1, width]);
  }
  const order = run.table(pattern, `${key} order`, () => {
    const places = new Int32Array(lines);
    batches.flatMap((each) => each.lines).forEach((line, place) => (places[line] = place));
    const values = Int32Array.from(
      { length: width },
      (_, column) => places[Math.floor(column / side)]! * side + (column % side),
    );
    return { values, shape: [width] };
  });
  return gather(run, computed, order, axis);
}

function listOf(list: readonly number[]): Table {
  return { values: Int32Array.from(list), shape: [list.length] };
}

export const kernels = { BlockSparseMatMul: matMul, BlockSparseWeightGradient: weightGradient };
