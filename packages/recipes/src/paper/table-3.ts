/** Table 3: what the sparsification phase brings. */
import { sequentialAttentionPlusPlus, variant } from '../entrants.js';
import { squares, type Recipe } from '../recipe.js';
import { onDigits, onImagenet, onMnist } from '../scales.js';
import { bySparsity } from './figures.js';

const SPARSITIES = [0.7, 0.8, 0.9, 0.95];
const without = variant('without-sparsification');

const table3: Recipe = {
  name: 'table-3',
  title: 'SequentialAttention++ with and without its sparsification phase',
  source: 'arXiv 2402.17902, Table 3',
  entrants: [without, sequentialAttentionPlusPlus],
  scales: {
    smoke: onDigits,
    small: onMnist({ sparsities: [0.9, 0.95], blockShapes: squares(16, 32) }, 3),
    paper: onImagenet({ sparsities: SPARSITIES, blockShapes: squares(8, 16, 32, 64) }),
  },
  claims: () => [
    {
      id: 'sparsification-helps',
      statement: 'SequentialAttention++ is better with its sparsification phase than without it.',
      better: { entrant: sequentialAttentionPlusPlus.name },
      than: { entrant: without.name },
      paper: 'better by 0.9 points on average',
    },
  ],
  paper: [
    ...bySparsity(without.name, [8, 8], SPARSITIES, [0.74194, 0.72333, 0.68152, null]),
    ...bySparsity(without.name, [16, 16], SPARSITIES, [0.74099, 0.72666, 0.68658, 0.61922]),
    ...bySparsity(without.name, [32, 32], SPARSITIES, [0.74268, 0.73346, 0.70079, 0.61405]),
    ...bySparsity(without.name, [64, 64], SPARSITIES, [0.75104, 0.7432, 0.72845, 0.69678]),
  ],
};

export default table3;
