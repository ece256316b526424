import { attention, chain, softmaxAttention } from '@espalier/core';
import { describePruner } from '@espalier/pruner-conformance';

import { powerpropagation, powerpropagationParameterisation } from './index.js';

describePruner('powerpropagation', () => powerpropagation());
describePruner('powerpropagation, elementwise', () => powerpropagation({ form: 'elementwise', alpha: 3 }));
describePruner('powerpropagation, elementwise, then softmax attention', () => ({
  ...powerpropagation({ dense: 0.4 }),
  parameterisation: chain(powerpropagationParameterisation({ form: 'elementwise' }), softmaxAttention()),
  importance: attention(),
}));
