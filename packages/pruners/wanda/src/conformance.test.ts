import { describePruner } from '@espalier/pruner-conformance';

import { wanda } from './index.js';

describePruner('wanda', () => wanda());
describePruner('wanda without fine-tuning', () => wanda({ fineTuning: 0 }));
