import { chain, softmaxAttention } from '@espalier/core';
import { describePruner } from '@espalier/pruner-conformance';

import { l1Masks, l1MasksParameterisation } from './index.js';

describePruner('l1-masks', () => l1Masks());
describePruner('l1-masks, then softmax attention', () => ({
  ...l1Masks(),
  parameterisation: chain(l1MasksParameterisation(0.03), softmaxAttention()),
}));
