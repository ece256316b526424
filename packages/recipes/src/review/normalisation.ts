/** Does it matter that the attention is normalised? */
import { sequentialAttentionPlusPlus, variant } from '../entrants.js';
import { squares, type Recipe } from '../recipe.js';
import { onDigits, onImagenet, onMnist } from '../scales.js';
import { bySparsity } from '../paper/figures.js';

/** Those that the paper's rule of 100 blocks comes to, asked for 0.7, 0.8, 0.9 and 0.95. */
const ASKED = [0.7, 0.8, 0.9, 0.95];
const without = variant('unnormalised');

const normalisation: Recipe = {
  name: 'normalisation',
  title: 'Attention with and without normalisation',
  source: 'the public review of arXiv 2402.17902',
  entrants: [without, { ...sequentialAttentionPlusPlus, settings: { travel: 'optimizer' } }],
  scales: {
    smoke: onDigits,
    // Both as the optimiser trains them, which is what was asked about.
    small: onMnist({ sparsities: [0.9, 0.95], blockShapes: squares(32) }, 3),
    paper: onImagenet({ sparsities: ASKED, blockShapes: squares(32) }),
  },
  claims: () => [
    {
      id: 'normalised-is-better',
      statement: 'SequentialAttention++ is better with normalised attention than with exp(L).',
      better: { entrant: sequentialAttentionPlusPlus.name },
      than: { entrant: without.name },
      paper: 'better by 0.13 to 1.37 points, and the unnormalised diverges at the largest sparsity',
    },
  ],
  paper: [
    ...bySparsity(without.name, [32, 32], ASKED, [0.7469, 0.7321, 0.6945, null]),
    ...bySparsity(sequentialAttentionPlusPlus.name, [32, 32], ASKED, [0.7482, 0.7378, 0.7082, 0.6541]),
  ],
};

export default normalisation;
