/** Does the score alone suffice, or does the search add something to it? */
import { sequentialAttentionPlusPlus, softmaxAttention } from '../entrants.js';
import { squares, type Recipe } from '../recipe.js';
import { onDigits, onImagenet, onMnist } from '../scales.js';

const scoreAlone: Recipe = {
  name: 'score-alone',
  title: 'Does the score alone suffice? One-shot softmax attention against SequentialAttention++',
  source: 'the public review of arXiv 2402.17902',
  entrants: [softmaxAttention, sequentialAttentionPlusPlus],
  scales: {
    smoke: onDigits,
    small: onMnist({ sparsities: [0.9, 0.95], blockShapes: squares(16, 32) }, 3),
    paper: onImagenet({ sparsities: [0.9], blockShapes: squares(16, 32) }),
  },
  claims: () => [
    {
      id: 'search-adds',
      statement: 'SequentialAttention++ is better than its score alone, pruned by once.',
      better: { entrant: sequentialAttentionPlusPlus.name },
      than: { entrant: softmaxAttention.name },
    },
  ],
  paper: [],
};

export default scoreAlone;
