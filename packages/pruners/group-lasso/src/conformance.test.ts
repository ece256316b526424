import { describePruner } from '@espalier/pruner-conformance';

import { groupLasso } from './index.js';

describePruner('group-lasso', () => groupLasso());
describePruner('group-lasso, its sparsity learned', () => groupLasso({ final: 'learned', lambda: 0.5 }));
