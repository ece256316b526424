import { describePruner } from '@espalier/pruner-conformance';

import { structuredDst } from './index.js';

describePruner('structured-dst', () => structuredDst({ everySteps: 4 }));
