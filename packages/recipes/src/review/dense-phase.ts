/** Is the dense phase needed, and how long? */
import { sequentialAttentionPlusPlus } from '../entrants.js';
import { squares, type Entrant, type Recipe } from '../recipe.js';
import { onDigits, onImagenet, onMnist } from '../scales.js';

const ours = sequentialAttentionPlusPlus;
const withDense = (name: string, dense: number): Entrant => ({
  ...ours,
  name,
  settings: { split: { sparsification: 1, sparse: 1, dense } },
});

const densePhase: Recipe = {
  name: 'dense-phase',
  title: 'Dense phases of a third of a cycle, of a tenth, of some steps',
  source: 'the public review of arXiv 2402.17902',
  entrants: [ours, withDense('dense-a-tenth', 0.2), withDense('dense-some-steps', 0.02)],
  scales: {
    smoke: { ...onDigits, epochs: 24 },
    small: onMnist({ sparsities: [0.9, 0.95], blockShapes: squares(32) }, null),
    paper: onImagenet({ sparsities: [0.9], blockShapes: squares(32) }),
  },
  claims: () => [
    {
      id: 'needed',
      statement: 'Dense phases of a third of a cycle are better than those of some steps.',
      better: { entrant: ours.name },
      than: { entrant: 'dense-some-steps' },
      paper: 'better by 4.87 points at 88% in blocks of 32 × 32',
    },
    {
      id: 'as-long',
      statement: 'Dense phases of a third of a cycle are better than those of a tenth.',
      better: { entrant: ours.name },
      than: { entrant: 'dense-a-tenth' },
    },
  ],
  paper: [],
};

export default densePhase;
