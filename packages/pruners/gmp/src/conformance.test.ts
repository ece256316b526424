import { describePruner } from '@espalier/pruner-conformance';

import { gmp } from './index.js';

describePruner('gmp', () => gmp());
describePruner('gmp, every three steps to the end', () => gmp({ start: 0, end: 1, everySteps: 3 }));
