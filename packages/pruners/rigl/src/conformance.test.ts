import { describePruner } from '@espalier/pruner-conformance';

import { rigl } from './index.js';

describePruner('rigl', () => rigl({ everySteps: 4 }));
