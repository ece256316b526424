/**
 * `BlockSparseMatMul` and `BlockSparseWeightGradient` by a few ops of TensorFlow: gathers, and batched dense products over
 * the lines of `lines.ts`.
 */
import type { Handle, Table, TensorflowRun } from '../../backends/tensorflow/kernel.js';
import {
  add,
  addAll,
  batchMatMul,
  concat,
  cut,
  cutAt,
  gather,
  padBehind,
  reshape,
  transpose,
  zeros,
} from '../../backends/tensorflow/ops.js';
import { hasNativeKernels, nativeGradient, nativeProduct } from '../../backends/tensorflow/native.js';
import { asUnits, spreadUnits, unitOf, withZeroUnit } from '../../backends/tensorflow/units.js';
import type { BlockPattern, PatternAttribute } from '../../pattern.js';
import type { MatMulAttributes } from './attributes.js';
import { linesOf, planOf, wholeUpTo, type Line, type Plan } from './lines.js';

type Inputs<Names extends string> = Readonly<Record<Names, Handle>>;

/** x `[B, n]`, values `[size]`, bias `[m]` → `[B, m]`; transposed, x `[B, m]` → `[B, n]`. */
function matMul(
  run: TensorflowRun,
  { x, values, bias }: Inputs<'x' | 'values'> & Partial<Inputs<'bias'>>,
  { pattern, transposed, activation }: MatMulAttributes,
): Handle {
  const rows = x.shape[0]!;
  const product =
    pattern.blocks === 0 || rows === 0
      ? zeros(run, [rows, pattern.matrixShape[transposed ? 0 : 1]])
      : isForNative(run, pattern)
        ? nativeProduct(run, x, values, pattern, transposed)
        : productOf(run, x, values, planOf(pattern, transposed, rows));
  const biased = bias ? add(run, product, bias) : product;
  return activation === 'relu' ? run.op('Relu', [biased]) : biased;
}

/** Of most of the blocks a dense product, which has decades of work in it, is as fast. */
const MOST = 0.5;

function isForNative(run: TensorflowRun, { size, matrixShape: [n, m], blockShape }: BlockPattern): boolean {
  return size <= MOST * n * m && hasNativeKernels(run, blockShape);
}

function productOf(run: TensorflowRun, x: Handle, values: Handle, plan: Plan): Handle {
  const { pattern, transposed, key } = plan;
  if (!transposed && x.shape[0]! <= wholeUpTo(pattern)) {
    const kept = keptWhileSame(run, values, pattern, 'whole', () => [spreadUnits(run, values, pattern)]);
    if (kept) return batchMatMul(run, x, kept[0]!);
  }
  const arranged = () => arrangedWeights(run, values, plan);
  const weights = keptWhileSame(run, values, pattern, `${key}: arranged`, arranged) ?? arranged();
  const products = piecesOf(run, x, plan).map((piece) =>
    plan.turned ? productOfTurned(run, piece, weights, plan) : productOfParts(run, piece, weights, plan),
  );
  return concat(run, products);
}

function productOfParts(run: TensorflowRun, x: Handle, weights: readonly Handle[], plan: Plan): Handle {
  const { transposed, batches, depth, side, lines, width } = plan;
  const [rows, inputs] = x.shape as [number, number];
  const blocks = Math.ceil(inputs / depth);
  const whole = padBehind(run, x, [0, blocks * depth - inputs]);
  const parts = reshape(run, whole, [rows * blocks, depth]);
  const products = batches.map(({ lines: own, length }, at) => {
    const panels = gather(run, parts, partPlaces(run, plan, at, rows));
    const turned = { second: transposed };
    return batchMatMul(run, reshape(run, panels, [own.length, rows, length * depth]), weights[at]!, turned);
  });
  const inLines = inOrder(run, concat(run, products), plan);
  const byRows = rows === 1 ? inLines : transpose(run, inLines, [1, 0, 2]);
  return cut(run, reshape(run, byRows, [rows, lines * side]), [rows, width]);
}

function productOfTurned(run: TensorflowRun, x: Handle, weights: readonly Handle[], plan: Plan): Handle {
  const { transposed, batches, side, lines, width } = plan;
  const rows = x.shape[0]!;
  const columns = transpose(run, x, [1, 0]);
  const products = batches.map((_, at) => {
    const panels = gather(run, columns, sourcePlaces(run, plan, at));
    return batchMatMul(run, weights[at]!, panels, { first: !transposed });
  });
  const inLines = inOrder(run, concat(run, products), plan);
  const all = cut(run, reshape(run, inLines, [lines * side, rows]), [width, rows]);
  return transpose(run, all, [1, 0]);
}

/** x `[B, n]`, dy `[B, m]` → `[size]`. */
function weightGradient(
  run: TensorflowRun,
  { x, dy }: Inputs<'x' | 'dy'>,
  { pattern }: PatternAttribute,
): Handle {
  const rows = x.shape[0]!;
  if (pattern.blocks === 0 || rows === 0) return zeros(run, [pattern.size]);
  if (hasNativeKernels(run, pattern.blockShape)) return nativeGradient(run, x, dy, pattern);
  const plan = planOf(pattern, false, rows);
  const flows = piecesOf(run, dy, plan);
  const sums = piecesOf(run, x, plan).map((piece, i) => lineGradients(run, piece, flows[i]!, plan));
  const places = run.table(pattern, `${plan.key}: values`, () => valuePlaces(plan));
  return reshape(run, gather(run, addAll(run, sums), places), [pattern.size]);
}

/** xᵀ·dy at the blocks of every batch, paddings among them, as units. Rows of xᵀ are gathered, which are long. */
function lineGradients(run: TensorflowRun, x: Handle, dy: Handle, plan: Plan): Handle {
  const { pattern, batches, side, lines, key } = plan;
  const rows = x.shape[0]!;
  const whole = padBehind(run, dy, [0, lines * side - dy.shape[1]!]);
  const columns = transpose(run, reshape(run, whole, [rows, lines, side]), [1, 0, 2]);
  const turned = transpose(run, x, [1, 0]);
  const products = batches.map(({ lines: own }, at) => {
    const flows =
      own.length === lines
        ? columns
        : gather(
            run,
            columns,
            run.table(pattern, `${key}: lines ${at}`, () => listOf(own)),
          );
    return asUnits(
      run,
      batchMatMul(run, gather(run, turned, sourcePlaces(run, plan, at)), flows),
      unitOf(pattern),
    );
  });
  return concat(run, products);
}

/** Some rows at a time. */
function piecesOf(run: TensorflowRun, x: Handle, { rowsAtOnce }: Plan): Handle[] {
  const [rows, width] = x.shape as [number, number];
  if (rows <= rowsAtOnce) return [x];
  return Array.from({ length: Math.ceil(rows / rowsAtOnce) }, (_, i) => {
    const first = i * rowsAtOnce;
    return cutAt(run, x, [first, 0], [Math.min(rowsAtOnce, rows - first), width]);
  });
}

/** Of a batch, for each line and row, where among the parts of x, row by row, those lie that meet its blocks. */
function partPlaces(run: TensorflowRun, plan: Plan, at: number, rows: number): Handle {
  const { pattern, transposed, batches, depth, key } = plan;
  return run.table(pattern, `${key}: parts ${at} of ${rows}`, () => {
    const { lines, length } = batches[at]!;
    const blocks = Math.ceil(pattern.matrixShape[transposed ? 1 : 0] / depth);
    const all = linesOf(pattern, transposed);
    const values = new Int32Array(lines.length * rows * length);
    let to = 0;
    for (const line of lines) {
      for (let row = 0; row < rows; row++) {
        for (let block = 0; block < length; block++) {
          values[to++] = row * blocks + partnerOf(all[line]!, block);
        }
      }
    }
    return { values, shape: [lines.length, rows, length] };
  });
}

/** What is padded is times zero, and reads what its line reads anyhow: no infinity that the line does not meet. */
function partnerOf({ partners }: Line, block: number): number {
  return partners[block] ?? partners[0] ?? 0;
}

/** Rows of xᵀ that a batch's lines meet: `[lines, length · depth]`. */
function sourcePlaces(run: TensorflowRun, plan: Plan, at: number): Handle {
  const { pattern, transposed, batches, depth, key } = plan;
  return run.table(pattern, `${key}: sources ${at}`, () => {
    const { lines, length } = batches[at]!;
    const last = pattern.matrixShape[transposed ? 1 : 0] - 1;
    const all = linesOf(pattern, transposed);
    const values = new Int32Array(lines.length * length * depth);
    let to = 0;
    for (const line of lines) {
      for (let block = 0; block < length; block++) {
        const first = partnerOf(all[line]!, block) * depth;
        for (let i = 0; i < depth; i++) values[to++] = Math.min(first + i, last);
      }
    }
    return { values, shape: [lines.length, length * depth] };
  });
}

/** What was last made of which values. */
interface Made {
  readonly of: WeakRef<object>;
  /** How many handles are kept of it; 0 before it is asked for again. */
  readonly kept: number;
}

const made = new WeakMap<BlockPattern, Map<string, Made>>();

/**
 * What is made of the kept weights, where they are those of the last time, as in predictions: it is kept until others come.
 * Null for others, as in training.
 */
function keptWhileSame(
  run: TensorflowRun,
  values: Handle,
  pattern: BlockPattern,
  name: string,
  make: () => readonly Handle[],
): readonly Handle[] | null {
  const data = run.dataOf(values);
  if (!data) return null;
  let known = made.get(pattern);
  if (!known) made.set(pattern, (known = new Map()));
  const last = known.get(name);
  const nameOf = (i: number) => `${name} ${i}`;
  if (last?.of.deref() !== data) {
    for (let i = 0; i < (last?.kept ?? 0); i++) run.forget(pattern, nameOf(i));
    known.set(name, { of: new WeakRef(data), kept: 0 });
    return null;
  }
  if (last.kept > 0) return Array.from({ length: last.kept }, (_, i) => run.recall(pattern, nameOf(i)));
  const handles = make().map((handle, i) => run.kept(pattern, nameOf(i), () => handle));
  known.set(name, { of: last.of, kept: handles.length });
  return handles;
}

/** The kept weights as the batches multiply by them: `[lines, length · Br, Bc]`; transposed, `[lines, Br, length · Bc]`. */
function arrangedWeights(run: TensorflowRun, values: Handle, plan: Plan): Handle[] {
  const { pattern, transposed, batches, key } = plan;
  const [height, across] = pattern.blockShape;
  const unit = unitOf(pattern);
  const places = batches.reduce((sum, { lines, length }) => sum + lines.length * length * height * across, 0);
  const isPadded = places > pattern.size;
  const units = isPadded ? withZeroUnit(run, values, unit) : asUnits(run, values, unit);
  return batches.map(({ lines, length }, at) => {
    const table = run.table(pattern, `${key}: weights ${at}`, () => weightPlaces(plan, at));
    const shape = transposed ? [height, length * across] : [length * height, across];
    return reshape(run, gather(run, units, table), [lines.length, ...shape]);
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

/** Lines `[lines, …]` that are computed batch by batch, in their order. */
function inOrder(run: TensorflowRun, computed: Handle, { pattern, batches, lines, key }: Plan): Handle {
  if (batches.length === 1) return computed;
  const order = run.table(pattern, `${key}: order`, () => {
    const values = new Int32Array(lines);
    batches.flatMap((each) => each.lines).forEach((line, place) => (values[line] = place));
    return { values, shape: [lines] };
  });
  return gather(run, computed, order);
}

function listOf(list: readonly number[]): Table {
  return { values: Int32Array.from(list), shape: [list.length] };
}

export const kernels = { BlockSparseMatMul: matMul, BlockSparseWeightGradient: weightGradient };
