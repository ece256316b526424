/**
 * SequentialAttention++ (arXiv 2402.17902): softmax attention under dense phases, in which it trains, sparsification
 * phases, in which the blocks of least attention go, and sparse phases, in which what is left trains.
 */
import { exponential, progress, type Span, spans } from '../phases.js';
import { choose, type Strategy } from '../run.js';
import { everyBlock } from '../selection.js';
import { attended, logAttention, type LogitTraining, logitTraining, zeroLogits } from './attention.js';
import { cifar10, criteo, cycleOf, imagenet, type Plan } from './plan.js';

const plans = { imagenet, criteo, cifar10 };

export interface SequentialAttentionPlusPlusSettings {
  plan?: keyof typeof plans | Plan;
  cycles?: number;
  temperature?: number;
  travel?: LogitTraining;
  curveConstant?: number;
  split?: { readonly sparsification: number; readonly sparse: number; readonly dense: number };
}

type PhaseKind = 'dense' | 'sparsification' | 'sparse';

export function sequentialAttentionPlusPlus({
  plan: planned = 'imagenet',
  cycles,
  temperature = 1,
  travel = 8,
  curveConstant = 4,
  split = { sparsification: 1, sparse: 1, dense: 1 },
}: SequentialAttentionPlusPlusSettings = {}): Strategy {
  const plan: Plan = typeof planned === 'string' ? plans[planned] : planned;
  const phases = phasesOf({ ...plan, cycles: cycles ?? plan.cycles }, split);
  const scores = logAttention({ temperature });
  const curve = exponential(curveConstant);
  return {
    added: zeroLogits,
    addedDecays: travel === 'optimizer',
    run: (run) => {
      const placed = spans(
        phases.map(({ share }) => share),
        run.steps,
      );
      const prune = (share: number) => choose(run, { share, scores, among: 'kept' });
      const enter: Record<PhaseKind, () => void> = {
        dense: () => run.kernels.forEach((kernel) => (kernel.mask = everyBlock(kernel.grid.blocks))),
        sparsification: () => {},
        sparse: () => prune(1),
      };
      const training = logitTraining(run, travel);
      return {
        ...training.rules,
        effective: attended({ temperature }),
        before(step) {
          const i = placed.findIndex(({ end }) => step < end);
          const [{ kind }, span] = [phases[i], placed[i] as Span];
          if (step === span.start) {
            training.reset();
            enter[kind]();
          }
          if (kind === 'sparsification') prune(curve(progress(span, step)));
        },
      };
    },
  };
}

/** Each cycle is a sparsification, a sparse and a dense phase; the last one, with its extension, a sparsification. */
function phasesOf(
  plan: Plan,
  split: Required<SequentialAttentionPlusPlusSettings>['split'],
): { kind: PhaseKind; share: number }[] {
  const { warmUp, cycles, lastCycleExtension, fineTuning } = plan;
  const cycle = cycleOf(plan);
  const whole = split.sparsification + split.sparse + split.dense;
  const kinds = ['sparsification', 'sparse', 'dense'] as const;
  const one = kinds.map((kind) => ({ kind, share: (cycle * split[kind]) / whole }));
  return [
    { kind: 'dense', share: warmUp },
    ...Array.from({ length: cycles - 1 }, () => one).flat(),
    { kind: 'sparsification', share: cycle + lastCycleExtension },
    { kind: 'sparse', share: fineTuning },
  ];
}
