/** OMPR by itself, for tools that load a strategy as a module's default export. */
import { between, tunable } from '@espalier/core';

import { ompr } from './index.js';

export { ompr, type OmprSettings } from './index.js';

export default tunable(ompr, {
  rounds: between(2, 20, { logarithmic: true, whole: true }),
  swaps: between(2, 20, { logarithmic: true, whole: true }),
  fineTuning: between(0.15, 0.6),
  faint: between(0.001, 0.1, { logarithmic: true }),
});
