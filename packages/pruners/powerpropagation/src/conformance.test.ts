import { describePruner } from '@espalier/pruner-conformance';

import { powerpropagation } from './index.js';

describePruner('powerpropagation', () => powerpropagation());
describePruner('powerpropagation, elementwise', () => powerpropagation({ form: 'elementwise', alpha: 3 }));
