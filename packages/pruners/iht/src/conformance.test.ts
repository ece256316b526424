import { describePruner } from '@espalier/pruner-conformance';

import { iht } from './index.js';

describePruner('iht', () => iht());
describePruner('iht every four steps', () => iht({ everySteps: 4, dense: 0.2, fineTuning: 0.2 }));
