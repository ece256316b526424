import { describePruner } from '@espalier/pruner-conformance';

import { l1Masks } from './index.js';

describePruner('l1-masks', () => l1Masks());
