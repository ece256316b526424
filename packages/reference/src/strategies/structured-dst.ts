/**
 * Structured DST (SRigL; Lasby et al. 2024, arXiv 2305.02299): RigL with as many blocks for every output that is left, an
 * output being a column of blocks here. Outputs with too few salient blocks are ablated, and theirs go to the others.
 */
import { gradients, type Kernel, magnitudes, type Run, type Strategy } from '../run.js';
import { both, erdosRenyiKernel, everyBlock, grow, largest, largestExact, type Mask } from '../selection.js';
import { dropAndGrow, type DropAndGrowSettings } from './drop-and-grow.js';

export interface StructuredDstSettings extends DropAndGrowSettings {
  /** γ */
  minimumSalience?: number;
}

export function structuredDst({ minimumSalience = 0.3, ...settings }: StructuredDstSettings = {}): Strategy {
  return {
    allocation: erdosRenyiKernel,
    run: (run) =>
      dropAndGrow(run, settings, {
        start: ({ grid }, i, keep) => {
          const fanIns = share(keep, run.draws.lots(i, grid.columns, 1), Math.min(keep, grid.columns));
          const lots = run.draws.lots(i, grid.blocks, 0);
          return inEachColumn(grid, (own, column) => largestExact(own(lots), fanIns[column]));
        },
        exchange: (kernel, keep, drop) => exchange(run, kernel, keep, drop, minimumSalience),
      }),
  };
}

/** §3.1, in the order of the authors' program. */
function exchange(run: Run, kernel: Kernel, keep: number, drop: number, minimumSalience: number): Mask {
  const { closest } = run;
  const { grid, mask } = kernel;
  const [size, gradient] = [magnitudes(kernel), gradients(kernel)];
  const hasGradient = Uint8Array.from(gradient, (score) => Number(score > 0));

  // Salient is what survives, and what has the largest gradients of all.
  const salient = both(
    largest(size, keep - drop, mask, closest),
    largest(gradient, drop, hasGradient, closest),
  );
  const canBeThere = hasGradient.map((bit, block) => bit | Number(size[block] > 0));
  const fanIns = ablate(grid, keep, inColumns(grid, salient), inColumns(grid, canBeThere), minimumSalience);

  // What survives is chosen once more, from the outputs that are left.
  const left = mask.map((bit, block) => bit & Number(fanIns[block % grid.columns] > 0));
  const survivors = largest(size, keep - drop, left, closest);
  return inEachColumn(grid, (own, column) => {
    const stays = largest(own(size), fanIns[column], Uint8Array.from(own(survivors)), closest);
    const orders = [
      [own(gradient), Uint8Array.from(own(hasGradient))],
      // Where the loss has a gradient by too few, rather what was dropped just now.
      [own(size), Uint8Array.from(own(mask))],
      [own(size), everyBlock(grid.rows)],
    ] as const;
    return grow(stays, fanIns[column], orders, closest);
  });
}

/**
 * The fan-in of each output, 0 where it is ablated. An output needs `max(1, ⌊γ · fan-in⌋)` salient blocks, of the fan-in
 * before any ablation; as many as the next after those that all blocks would fill, where these have fewer. Espalier's
 * own: the remainder of the fan-ins is kept, and an output is ablated that could not fill its own, with blocks that have
 * a weight or a gradient.
 */
function ablate(
  { rows, columns }: Columns,
  keep: number,
  salience: readonly number[],
  atMost: readonly number[],
  minimumSalience: number,
): number[] {
  if (minimumSalience === 0) return share(keep, salience, Math.min(keep, columns));
  const needed = Math.max(1, Math.floor(minimumSalience * Math.floor(keep / columns)));
  const counts = [...salience];
  for (;;) {
    const mostFirst = counts.toSorted((a, b) => b - a);
    const next = mostFirst[Math.min(Math.floor(keep / rows), columns - 1)];
    const enough = counts.filter((number) => number >= Math.max(0, Math.min(needed, next))).length;
    const fanIns = share(keep, counts, Math.max(Math.ceil(keep / rows), Math.min(keep, enough)));
    const short = fanIns.flatMap((fanIn, column) => (fanIn > atMost[column] ? [column] : []));
    if (short.every((column) => counts[column] < 0)) return fanIns;
    for (const column of short) counts[column] = -1;
  }
}

/** The fan-ins of the `active` columns of highest score that share `keep` blocks; the first of them have one more. */
function share(keep: number, scores: readonly number[], active: number): number[] {
  const isActive = largestExact(scores, active);
  const hasOneMore = largestExact(scores, keep % active, isActive);
  return Array.from(isActive, (bit, column) => bit * Math.floor(keep / active) + hasOneMore[column]);
}

type Columns = Pick<Kernel['grid'], 'rows' | 'columns'>;

function inColumns({ columns }: Columns, mask: Mask): number[] {
  const numbers = new Array<number>(columns).fill(0);
  mask.forEach((bit, block) => (numbers[block % columns] += bit));
  return numbers;
}

/** A mask made column by column, from what is the column's own. */
function inEachColumn(
  { rows, columns }: Columns,
  choose: (own: (values: ArrayLike<number>) => number[], column: number) => Mask,
): Mask {
  const mask = new Uint8Array(rows * columns);
  for (let column = 0; column < columns; column++) {
    const own = (values: ArrayLike<number>) =>
      Array.from({ length: rows }, (_, row) => values[row * columns + column]);
    choose(own, column).forEach((bit, row) => (mask[row * columns + column] = bit));
  }
  return mask;
}
