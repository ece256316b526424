/**
 * STR (Kusupati et al. 2020): `W_b = relu(1 − t / ‖V_b‖) V_b` by block, `W = sign(V) relu(|V| − t)` by weight.
 * `plainStr` trains σ, of which t is a function; `str` sets t to the norm of the largest block that is pruned, a thousandth
 * of V_b being left of a kept one that sinks below it.
 */
import { type Grid, norms, normsOf, scaled } from '../blocks.js';
import { cubic, hundredth, progress, spans, within } from '../phases.js';
import { choose, type Kernel, magnitudes, masked, type Strategy } from '../run.js';
import type { Node, Tape } from '../tape.js';

type Form = 'block' | 'elementwise';

const LEAK = 1e-3;

function soft(tape: Tape, form: Form, grid: Grid, v: readonly Node[], t: Node, leak: number): Node[] {
  if (form === 'elementwise') {
    return v.map((node) => {
      const size = tape.abs(node);
      const passed = tape.max(tape.sub(size, t), tape.times(leak, size));
      return tape.times(Math.sign(tape.value(node)), passed);
    });
  }
  const one = tape.leaf(1);
  const factors = normsOf(tape, grid, v).map((norm) =>
    tape.clip(tape.sub(one, tape.div(t, norm)), leak, Infinity),
  );
  return scaled(tape, grid, v, factors);
}

export function str({
  form = 'block',
  start = 0.25,
  end = 0.5,
}: { form?: Form; start?: number; end?: number } = {}): Strategy {
  return {
    run: (run) => {
      const [, rising, rest] = spans([start, end - start, 1 - end], run.steps);
      const thresholds = new Map<Kernel, number>(run.kernels.map((kernel) => [kernel, 0]));
      const follow = (kernel: Kernel) => {
        const pruned = norms(kernel.grid, kernel.raw.values).filter((_, block) => !kernel.mask[block]);
        thresholds.set(kernel, Math.max(0, ...pruned));
      };
      return {
        effective: (tape, kernel, raw) => {
          const onNorm = thresholds.get(kernel)!;
          const t = form === 'block' ? onNorm : onNorm / Math.sqrt(kernel.grid.wholeSize);
          return masked(tape, kernel, soft(tape, form, kernel.grid, raw, tape.leaf(t), LEAK));
        },
        before(step) {
          if (step === rising.start || step === rest.start) run.optimizer.reset();
          const isRising = within(rising, step) && (step - rising.start) % hundredth(rising) === 0;
          if (isRising) {
            choose(run, { share: cubic(progress(rising, step)), scores: magnitudes, among: 'all' });
          }
          // What is chosen when the quantile has risen stays.
          if (step === rest.start) choose(run, { share: 1, scores: magnitudes, among: 'kept' });
          const follows = within(rest, step) && (step - rest.start) % hundredth(rest) === 0;
          if (isRising || follows) run.kernels.forEach(follow);
        },
      };
    },
  };
}

export interface PlainStrSettings {
  form?: Form;
  g?: 'sigmoid' | 'exp';
  sigma?: number;
}

export function plainStr({ form = 'block', g = 'sigmoid', sigma = -10 }: PlainStrSettings = {}): Strategy {
  const first = g === 'exp' ? Math.exp(sigma) : 1 / (1 + Math.exp(-sigma));
  return {
    added: () => ({ shape: [], values: [sigma] }),
    raw: (grid, weight) => {
      const size = form === 'block' ? norms(grid, weight) : [];
      return weight.map((w, i) =>
        form === 'block' ? w * (1 + first / size[grid.blockOf[i]]) : w + first * Math.sign(w),
      );
    },
    run: () => ({
      effective: (tape, { grid }, raw, [σ]) => soft(tape, form, grid, raw, tape[g](σ), 0),
    }),
  };
}
