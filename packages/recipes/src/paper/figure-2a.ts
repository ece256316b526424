/** Figure 2a: one-shot softmax attention against one-shot magnitude, over block sizes. */
import { magnitude, softmaxAttention } from '../entrants.js';
import { squares, type Recipe } from '../recipe.js';
import { onDigits, onImagenet, onMnist } from '../scales.js';

const figure2a: Recipe = {
  name: 'figure-2a',
  title: 'One-shot softmax attention against one-shot magnitude, over block sizes',
  source: 'arXiv 2402.17902, Figure 2a',
  entrants: [magnitude, softmaxAttention],
  scales: {
    smoke: onDigits,
    small: onMnist({ sparsities: [0.9, 0.95], blockShapes: squares(16, 32) }, 4),
    paper: onImagenet({ sparsities: [0.9], blockShapes: squares(8, 16, 32, 64) }),
  },
  claims: ({ sparsities, blockShapes }) =>
    sparsities.flatMap((sparsity) =>
      blockShapes.map((blockShape) => ({
        id: `ahead-at-${sparsity}-${blockShape.join('x')}`,
        statement: `One-shot softmax attention is ahead of one-shot magnitude at ${100 * sparsity}% in blocks of ${blockShape.join(' × ')}.`,
        better: { entrant: softmaxAttention.name, sparsity, blockShape },
        than: { entrant: magnitude.name, sparsity, blockShape },
        paper: 'ahead at every block size drawn',
      })),
    ),
  paper: [],
};

export default figure2a;
