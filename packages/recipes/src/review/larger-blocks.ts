/** What larger blocks cost at one sparsity. */
import { acdc, sequentialAttentionPlusPlus } from '../entrants.js';
import { squares, type Recipe } from '../recipe.js';
import { onDigits, onImagenet, onMnist } from '../scales.js';

const largerBlocks: Recipe = {
  name: 'larger-blocks',
  title: 'Small against large blocks at one sparsity',
  source: 'the public review of arXiv 2402.17902',
  entrants: [acdc, sequentialAttentionPlusPlus],
  scales: {
    smoke: { ...onDigits, blockShapes: squares(4, 8) },
    small: onMnist({ sparsities: [0.9], blockShapes: squares(8, 32) }, 3),
    paper: onImagenet({ sparsities: [0.9], blockShapes: squares(8, 64) }),
  },
  claims({ blockShapes }) {
    const [small, large] = [blockShapes[0]!, blockShapes.at(-1)!];
    return [acdc, sequentialAttentionPlusPlus].map(({ name }) => ({
      id: `${name}-small-blocks`,
      statement: `${name} is better in blocks of ${small.join(' × ')} than in blocks of ${large.join(' × ')}.`,
      better: { entrant: name, blockShape: small },
      than: { entrant: name, blockShape: large },
      paper:
        'worse in small blocks at the sparsity asked for: the rule of 100 blocks leaves more dense in large ones',
    }));
  },
  paper: [],
};

export default largerBlocks;
