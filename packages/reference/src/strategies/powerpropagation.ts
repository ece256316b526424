/**
 * Powerpropagation, one-shot: `W_b = ‖V_b‖^(α−1) V_b` by block (arXiv 2402.17902, Lemma 2.3), or `W = V |V|^(α−1)` by
 * weight (Schwarz et al. 2021); blocks are kept by the magnitude of W.
 */
import { type Grid, norms, normsOf, rootMeanSquares, scaled } from '../blocks.js';
import { spans } from '../phases.js';
import { choose, masked, type Kernel, type Strategy } from '../run.js';
import { type Node, Tape } from '../tape.js';

export interface PowerpropagationSettings {
  alpha?: number;
  form?: 'block' | 'elementwise';
  dense?: number;
}

export function powerpropagation({
  alpha = 2,
  form = 'block',
  dense = 0.5,
}: PowerpropagationSettings = {}): Strategy {
  const power = form === 'block' ? blockPower(alpha) : elementPower(alpha);
  const weightsOf = ({ grid, raw }: Kernel): number[] => {
    const tape = new Tape();
    return power
      .of(
        tape,
        grid,
        Array.from(raw.values, (v) => tape.leaf(v)),
      )
      .map((node) => tape.value(node));
  };
  const scores = (kernel: Kernel) => rootMeanSquares(kernel.grid, weightsOf(kernel));
  return {
    raw: power.inverse,
    run: (run) => {
      const [, sparse] = spans([dense, 1 - dense], run.steps);
      return {
        effective: (tape, kernel, raw) => masked(tape, kernel, power.of(tape, kernel.grid, raw)),
        before(step) {
          if (step !== sparse.start) return;
          run.optimizer.reset();
          choose(run, { share: 1, scores, among: 'all' });
        },
      };
    },
  };
}

interface Power {
  of(tape: Tape, grid: Grid, v: readonly Node[]): Node[];
  /** The V whose power is `weight`. */
  inverse(grid: Grid, weight: Float64Array): Float64Array;
}

function blockPower(alpha: number): Power {
  return {
    of: (tape, grid, v) =>
      scaled(
        tape,
        grid,
        v,
        normsOf(tape, grid, v).map((norm) => tape.power(norm, alpha - 1)),
      ),
    inverse: (grid, weight) => {
      const scale = norms(grid, weight).map((norm) => norm ** ((1 - alpha) / alpha));
      return weight.map((w, i) => scale[grid.blockOf[i]] * w);
    },
  };
}

function elementPower(alpha: number): Power {
  return {
    of: (tape, _, v) => v.map((node) => tape.mul(node, tape.power(tape.abs(node), alpha - 1))),
    inverse: (_, weight) => weight.map((w) => Math.sign(w) * Math.abs(w) ** (1 / alpha)),
  };
}
