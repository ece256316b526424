// The module of what training alone asks for.

import { binaries } from '../../generated/binaries.js';
import { linkedOnce } from './module.js';

export const exportsOf = /* @__PURE__ */ linkedOnce(binaries);
