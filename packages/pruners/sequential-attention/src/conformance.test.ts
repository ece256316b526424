import { describePruner } from '@espalier/pruner-conformance';

import { sequentialAttention } from './index.js';

describePruner('sequential-attention', () => sequentialAttention({ rounds: 4 }));
