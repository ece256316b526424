/** Table 4: the constant c of the sparsification phase's curve. */

import { squares, type Entrant, type Recipe } from '../recipe.js';
import { onDigits, onImagenet, onMnist } from '../scales.js';
import { byBlock } from './figures.js';

const BLOCKS = squares(8, 16, 32, 64);
const withConstant = (curveConstant: number): Entrant => ({
  name: `c-${curveConstant}`,
  strategy: 'sequential-attention-plus-plus',
  settings: { curveConstant },
});

const table4: Recipe = {
  name: 'table-4',
  title: 'The constant c of the sparsification curve: 2, 4, 8',
  source: 'arXiv 2402.17902, Table 4',
  entrants: [withConstant(2), withConstant(4), withConstant(8)],
  scales: {
    smoke: onDigits,
    // Settings are what is asked about: none are tuned.
    small: onMnist({ sparsities: [0.9], blockShapes: squares(8, 16, 32) }, null),
    paper: onImagenet({ sparsities: [0.9], blockShapes: BLOCKS }),
  },
  claims: () => [
    {
      id: 'four-over-two',
      statement: 'The constant 4 is better than 2.',
      better: { entrant: 'c-4' },
      than: { entrant: 'c-2' },
      paper: 'better at all four block sizes, by 0.16 to 0.49 points',
    },
    {
      id: 'four-over-eight',
      statement: 'The constant 4 is better than 8.',
      better: { entrant: 'c-4' },
      than: { entrant: 'c-8' },
      paper: 'better at 8 × 8 and 64 × 64, worse at 16 × 16 and 32 × 32',
    },
  ],
  paper: [
    ...byBlock('c-2', 0.9, BLOCKS, [0.69403, 0.69613, 0.70614, 0.72264]),
    ...byBlock('c-4', 0.9, BLOCKS, [0.6956, 0.6992, 0.70817, 0.72756]),
    ...byBlock('c-8', 0.9, BLOCKS, [0.69202, 0.70036, 0.70976, 0.72614]),
  ],
};

export default table4;
