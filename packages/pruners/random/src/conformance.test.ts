import { describePruner } from '@espalier/pruner-conformance';

import { random } from './index.js';

describePruner('random', () => random());
describePruner('random from the start', () => random({ dense: 0, seed: 7 }));
