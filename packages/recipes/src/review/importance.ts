/** Magnitude against attention as the importance, under each search. */
import { acdc, magnitude, sequentialAttentionPlusPlus, softmaxAttention, variant } from '../entrants.js';
import { squares, type Recipe } from '../recipe.js';
import { onDigits, onImagenet, onMnist } from '../scales.js';

const attentionUnderAlternating = variant('without-sparsification');
const normWithSparsification = variant('norm-with-sparsification');
const masked = { ...acdc, settings: { prunedWeights: 'masked' } };

const importance: Recipe = {
  name: 'importance',
  title: 'Magnitude against attention as the importance, under each search',
  source: 'the public review of arXiv 2402.17902',
  entrants: [
    ...[magnitude, softmaxAttention, masked, attentionUnderAlternating],
    ...[normWithSparsification, sequentialAttentionPlusPlus],
  ],
  scales: {
    smoke: onDigits,
    small: onMnist({ sparsities: [0.95], blockShapes: squares(16) }, 3),
    paper: onImagenet({ sparsities: [0.9], blockShapes: squares(16, 32) }),
  },
  claims: () => [
    {
      id: 'one-shot',
      statement: 'Attention is the better importance where blocks are chosen once.',
      better: { entrant: softmaxAttention.name },
      than: { entrant: magnitude.name },
    },
    {
      id: 'alternating',
      statement: 'Attention is the better importance under AC/DC’s search.',
      better: { entrant: attentionUnderAlternating.name },
      than: { entrant: masked.name },
    },
    {
      id: 'with-sparsification',
      statement: 'Attention is the better importance under the search of SequentialAttention++.',
      better: { entrant: sequentialAttentionPlusPlus.name },
      than: { entrant: normWithSparsification.name },
    },
  ],
  paper: [],
};

export default importance;
