import { describePruner } from '@espalier/pruner-conformance';

import { acdc } from './index.js';

describePruner('acdc', () => acdc());
