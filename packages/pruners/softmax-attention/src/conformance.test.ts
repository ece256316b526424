import { describePruner } from '@espalier/pruner-conformance';

import { softmaxAttentionPruning } from './index.js';

describePruner('softmax-attention', () => softmaxAttentionPruning());
describePruner('softmax-attention, unnormalised', () =>
  softmaxAttentionPruning({ normalised: false, clip: 'off' }),
);
