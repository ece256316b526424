import { describePruner } from '@espalier/pruner-conformance';

import { magnitude } from './index.js';

describePruner('magnitude', () => magnitude());
