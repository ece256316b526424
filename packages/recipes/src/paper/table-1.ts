/** Table 1: SequentialAttention++ against AC/DC, ResNet-50 on ImageNet. */
import { acdc, sequentialAttentionPlusPlus } from '../entrants.js';
import { squares, type Recipe } from '../recipe.js';
import { onDigits, onImagenet } from '../scales.js';
import { bySparsity } from './figures.js';

const SPARSITIES = [0.7, 0.8, 0.9, 0.95];
const ours = sequentialAttentionPlusPlus.name;

const table1: Recipe = {
  name: 'table-1',
  title: 'SequentialAttention++ against AC/DC, a residual network on images',
  source: 'arXiv 2402.17902, Table 1',
  entrants: [acdc, sequentialAttentionPlusPlus],
  scales: {
    smoke: onDigits,
    small: {
      workload: 'cifar10-resnet20',
      sparsities: [0.9],
      blockShapes: squares(4, 8),
      seeds: [0, 1, 2],
      tuningTrials: 2,
      measure: 'accuracy',
      standsFor: 'CIFAR-10 and ResNet-20 stand for ImageNet and ResNet-50, three epochs for ninety',
    },
    paper: onImagenet({ sparsities: SPARSITIES, blockShapes: squares(8, 16, 32, 64) }),
  },
  claims: ({ blockShapes }) =>
    blockShapes.map((blockShape) => ({
      id: `ahead-at-${blockShape.join('x')}`,
      statement: `SequentialAttention++ is ahead of AC/DC with blocks of ${blockShape.join(' × ')}.`,
      better: { entrant: ours, blockShape },
      than: { entrant: acdc.name, blockShape },
      paper: 'ahead by 0.03 to 2.94 points wherever both trained',
    })),
  paper: [
    ...bySparsity(acdc.name, [8, 8], SPARSITIES, [0.7411, 0.7247, 0.6774, null]),
    ...bySparsity(acdc.name, [16, 16], SPARSITIES, [0.7408, 0.7256, 0.6861, 0.6142]),
    ...bySparsity(acdc.name, [32, 32], SPARSITIES, [0.744, 0.7239, 0.6896, 0.6303]),
    ...bySparsity(acdc.name, [64, 64], SPARSITIES, [0.7518, 0.7449, 0.7195, 0.6736]),
    ...bySparsity(ours, [8, 8], SPARSITIES, [0.7414, 0.729, 0.6956, null]),
    ...bySparsity(ours, [16, 16], SPARSITIES, [0.744, 0.735, 0.6992, 0.6427]),
    ...bySparsity(ours, [32, 32], SPARSITIES, [0.7482, 0.7378, 0.7082, 0.6541]),
    ...bySparsity(ours, [64, 64], SPARSITIES, [0.7553, 0.7452, 0.7276, 0.703]),
  ],
};

export default table1;
