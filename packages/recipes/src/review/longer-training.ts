/** Does longer training close the gap? */
import { acdc, sequentialAttentionPlusPlus } from '../entrants.js';
import { squares, type Recipe } from '../recipe.js';
import { onDigits, onImagenet, onMnist } from '../scales.js';

const longer = { ...acdc, name: 'acdc-twice-as-long', epochsFactor: 2 };

const longerTraining: Recipe = {
  name: 'longer-training',
  title: 'AC/DC for twice as long against SequentialAttention++',
  source: 'the public review of arXiv 2402.17902',
  entrants: [sequentialAttentionPlusPlus, longer],
  scales: {
    smoke: onDigits,
    small: onMnist({ sparsities: [0.9, 0.95], blockShapes: squares(32) }, 3),
    paper: onImagenet({ sparsities: [0.9], blockShapes: squares(32) }),
  },
  claims: () => [
    {
      id: 'gap-stays',
      statement: 'SequentialAttention++ is better than AC/DC that trains twice as long.',
      better: { entrant: sequentialAttentionPlusPlus.name },
      than: { entrant: longer.name },
      paper: 'better by 1.59 points, AC/DC with 90 more epochs at a rate of 0.001',
    },
  ],
  paper: [],
};

export default longerTraining;
