import { describePruner } from '@espalier/pruner-conformance';

import { omp, ompr } from './index.js';

const exceptions = { effectiveStart: 'it starts with an empty support, every block faint' };

describePruner('omp', () => omp({ rounds: 4 }), { exceptions });
describePruner('ompr', () => ompr({ rounds: 4, swaps: 3 }), { exceptions });
