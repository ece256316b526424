/** Table 2: four methods on Criteo, a click-through network of which the first layer is pruned. */
import { acdc, magnitude, powerpropagation, sequentialAttentionPlusPlus } from '../entrants.js';
import { squares, type Recipe } from '../recipe.js';
import { byBlock } from './figures.js';

const BLOCKS = squares(5, 10, 20);
const ours = sequentialAttentionPlusPlus.name;

const table2: Recipe = {
  name: 'table-2',
  title: 'Four methods on clicks, the first layer pruned',
  source: 'arXiv 2402.17902, Table 2',
  entrants: [magnitude, powerpropagation, acdc, sequentialAttentionPlusPlus],
  scales: {
    smoke: {
      ...{ workload: 'criteo-mlp', sparsities: [0.9], blockShapes: squares(10), seeds: [0, 1] },
      ...{ tuningTrials: null, measure: 'loss', standsFor: 'the first 2,000 rows stand for 46 million' },
    },
    small: {
      ...{ workload: 'criteo-mlp', sparsities: [0.9, 0.95], blockShapes: BLOCKS, seeds: [0, 1, 2, 3, 4] },
      ...{
        tuningTrials: 3,
        measure: 'loss',
        standsFor: 'a sample of some thousand rows stands for 46 million',
      },
    },
    paper: {
      ...{ workload: 'criteo-mlp', sparsities: [0.9, 0.95, 0.97, 0.98, 0.99], blockShapes: BLOCKS },
      ...{ seeds: [0, 1, 2], tuningTrials: null, measure: 'loss' },
    },
  },
  claims: () => [
    {
      id: 'over-magnitude',
      statement: 'SequentialAttention++ has a smaller log loss than magnitude.',
      better: { entrant: ours },
      than: { entrant: magnitude.name },
      paper: 'smaller at every sparsity and block size, by 0.0008 to 0.0327',
    },
    {
      id: 'over-powerpropagation',
      statement: 'SequentialAttention++ has a smaller log loss than Powerpropagation.',
      better: { entrant: ours },
      than: { entrant: powerpropagation.name },
      paper: 'smaller at every sparsity and block size, by 0.0006 to 0.0353',
    },
    {
      id: 'over-acdc',
      statement: 'SequentialAttention++ has a smaller log loss than AC/DC.',
      better: { entrant: ours },
      than: { entrant: acdc.name },
      paper: 'smaller at every sparsity and block size, by 0.0002 to 0.0247',
    },
  ],
  paper: [
    ...byBlock(magnitude.name, 0.9, BLOCKS, [0.4523, 0.4693, 0.4923]),
    ...byBlock(powerpropagation.name, 0.9, BLOCKS, [0.4521, 0.4572, 0.492]),
    ...byBlock(acdc.name, 0.9, BLOCKS, [0.4517, 0.458, 0.4829]),
    ...byBlock(ours, 0.9, BLOCKS, [0.4515, 0.4535, 0.4596]),
    ...byBlock(magnitude.name, 0.95, BLOCKS, [0.4586, 0.4892, 0.4998]),
    ...byBlock(powerpropagation.name, 0.95, BLOCKS, [0.4547, 0.4768, 0.4946]),
    ...byBlock(acdc.name, 0.95, BLOCKS, [0.4547, 0.4754, 0.4961]),
    ...byBlock(ours, 0.95, BLOCKS, [0.454, 0.4595, 0.4715]),
    ...byBlock(magnitude.name, 0.97, BLOCKS, [0.4656, 0.5004, 0.5079]),
    ...byBlock(powerpropagation.name, 0.97, BLOCKS, [0.4587, 0.5061, 0.5093]),
    ...byBlock(acdc.name, 0.97, BLOCKS, [0.4606, 0.4936, 0.5056]),
    ...byBlock(ours, 0.97, BLOCKS, [0.457, 0.4708, 0.4865]),
    ...byBlock(magnitude.name, 0.98, BLOCKS, [0.4717, 0.5145, 0.5447]),
    ...byBlock(powerpropagation.name, 0.98, BLOCKS, [0.4622, 0.5158, 0.5379]),
    ...byBlock(acdc.name, 0.98, BLOCKS, [0.4692, 0.4929, 0.5184]),
    ...byBlock(ours, 0.98, BLOCKS, [0.4601, 0.4904, 0.5162]),
    ...byBlock(magnitude.name, 0.99, BLOCKS, [0.4881, 0.5376, 0.5482]),
    ...byBlock(powerpropagation.name, 0.99, BLOCKS, [0.5017, 0.5295, 0.5425]),
    ...byBlock(acdc.name, 0.99, BLOCKS, [0.505, 0.5153, 0.5427]),
    ...byBlock(ours, 0.99, BLOCKS, [0.4803, 0.5068, 0.5253]),
  ],
};

export default table2;
