import { describePruner } from '@espalier/pruner-conformance';

import { plainStr, str } from './index.js';

describePruner('str', () => str());
describePruner('str, elementwise', () => str({ form: 'elementwise' }));
describePruner('plain-str', () => plainStr());
describePruner('plain-str, elementwise', () => plainStr({ form: 'elementwise', g: 'exp' }));
