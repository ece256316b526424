/** Softmax attention over the blocks of a kernel: the parameterisation of two strategies (arXiv 2402.17902 §3.1). */
import { type Grid, scaled } from '../blocks.js';
import type { Kernel, Rules, Run, Strategy } from '../run.js';
import type { Node, Tape } from '../tape.js';
import { Travel } from '../travel.js';

export interface AttentionSettings {
  /** τ */
  temperature?: number;
  normalised?: boolean;
  clip?: 'density' | 'off' | readonly [low: number, high: number];
}

/** How the logits are trained in a run: c of `Travel`, or by the optimiser as the weights are. */
export type LogitTraining = number | 'optimizer';

/** What trains the logits, and forgets when the optimiser does. */
export function logitTraining(run: Run, training: LogitTraining): { rules: Rules; reset(): void } {
  if (training === 'optimizer') return { rules: {}, reset: () => run.optimizer.reset() };
  const travel = new Travel(run, training);
  return {
    rules: { trainAdded: (step, gradients) => travel.step(step, gradients) },
    reset: () => {
      run.optimizer.reset();
      travel.reset();
    },
  };
}

/** One logit a block, zero at first. */
export const zeroLogits: NonNullable<Strategy['added']> = ({ rows, columns, blocks }: Grid) => ({
  shape: [rows, columns],
  values: new Array<number>(blocks).fill(0),
});

/** `W_b = A_b m_b V_b`, with `A = G softmax(L / τ)`, or `exp(L / τ)`, clipped to `[d, 1/d]`. */
export function attended({
  temperature = 1,
  normalised = true,
  clip = 'density',
}: AttentionSettings): NonNullable<Rules['effective']> {
  return (tape, { grid, mask, density }, raw, logits) => {
    const attention = attentionOf(tape, logits, temperature, normalised);
    const [low, high] = clip === 'density' ? [density, 1 / density] : clip === 'off' ? [0, Infinity] : clip;
    const factors = attention.map((a, block) => tape.times(mask[block], tape.clip(a, low, high)));
    return scaled(tape, grid, raw, factors);
  };
}

function attentionOf(tape: Tape, logits: readonly Node[], temperature: number, normalised: boolean): Node[] {
  const exponentials = logits.map((logit) => tape.exp(tape.times(1 / temperature, logit)));
  if (!normalised) return exponentials;
  const mean = tape.mean(exponentials);
  return exponentials.map((exponential) => tape.div(exponential, mean));
}

/** The logarithm of the attention before it is clipped, which has its order within kernels and among them. */
export function logAttention({ temperature = 1, normalised = true }: AttentionSettings) {
  return ({ added }: Kernel): number[] => {
    const scaledLogits = Array.from(added!.values, (logit) => logit / temperature);
    if (!normalised) return scaledLogits;
    const mean = scaledLogits.reduce((sum, logit) => sum + Math.exp(logit), 0) / scaledLogits.length;
    return scaledLogits.map((logit) => logit - Math.log(mean));
  };
}
