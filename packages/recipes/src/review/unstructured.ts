/** Unstructured: softmax attention at temperature 0.25 against magnitude, both one-shot. */
import { magnitude, softmaxAttention } from '../entrants.js';
import { squares, type Recipe } from '../recipe.js';
import { bySparsity } from '../paper/figures.js';
import { onDigits, onImagenet, onMnist } from '../scales.js';

const SPARSITIES = [0.8, 0.9];
const cool = { ...softmaxAttention, settings: { temperature: 0.25, travel: 'optimizer' } };

const unstructured: Recipe = {
  name: 'unstructured',
  title: 'Single weights: softmax attention at temperature 0.25 against magnitude, one-shot',
  source: 'the public review of arXiv 2402.17902',
  entrants: [magnitude, cool],
  scales: {
    smoke: { ...onDigits, blockShapes: squares(1) },
    small: onMnist({ sparsities: [0.9, 0.95], blockShapes: squares(1) }, 3),
    paper: onImagenet({ sparsities: SPARSITIES, blockShapes: squares(1) }),
  },
  claims: () => [
    {
      id: 'ahead-unstructured',
      statement:
        'Softmax attention at temperature 0.25 is ahead of magnitude where single weights are pruned.',
      better: { entrant: cool.name },
      than: { entrant: magnitude.name },
      paper: 'ahead by 0.45 points at 80% and 0.44 at 90%',
    },
  ],
  paper: [
    ...bySparsity(magnitude.name, [1, 1], SPARSITIES, [0.7451, 0.7275]),
    ...bySparsity(cool.name, [1, 1], SPARSITIES, [0.7496, 0.7319]),
  ],
};

export default unstructured;
