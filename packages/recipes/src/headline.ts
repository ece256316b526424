/** The six built-in strategies on real data, all tuned with one budget: what the paper's orderings come to. */
import {
  acdc,
  magnitude,
  powerpropagation,
  sequentialAttentionPlusPlus,
  softmaxAttention,
  str,
} from './entrants.js';
import { squares, type Recipe, type RecipeScale } from './recipe.js';
import { onDigits, onMnist } from './scales.js';

const others = [magnitude, acdc, powerpropagation, str, softmaxAttention];
const ours = sequentialAttentionPlusPlus.name;

function sixOn(data: string, name: string, small: RecipeScale): Recipe {
  return {
    name,
    title: `The six built-in strategies on ${data}, tuned with one budget`,
    source: 'the orderings of arXiv 2402.17902',
    entrants: [...others, sequentialAttentionPlusPlus],
    scales: { smoke: onDigits, small },
    claims: () =>
      others.map(({ name: other }) => ({
        id: `over-${other}`,
        statement: `SequentialAttention++ is ahead of ${other}.`,
        better: { entrant: ours },
        than: { entrant: other },
      })),
    paper: [],
  };
}

export const sixOnMnist = sixOn(
  'MNIST',
  'six-on-mnist',
  onMnist({ sparsities: [0.95], blockShapes: squares(16) }, 6),
);

export const sixOnCifar10 = sixOn('CIFAR-10', 'six-on-cifar10', {
  workload: 'cifar10-resnet20',
  sparsities: [0.9],
  blockShapes: squares(8),
  seeds: [0, 1, 2],
  // More of either would take longer than two and a half hours on a pair of slow cores.
  epochs: 2,
  tuningTrials: 1,
  measure: 'accuracy',
  standsFor: 'two epochs stand for two hundred',
});
