import { describePruner } from '@espalier/pruner-conformance';

import { sequentialAttentionPlusPlus } from './index.js';

describePruner('sequential-attention-plus-plus', () => sequentialAttentionPlusPlus());
