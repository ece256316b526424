/**
 * Optimisers and a loss. They run on every backend, in ops of tfjs; `@espalier/optimizers/wasm` gives the backend `wasm`
 * kernels that do each in one pass. Importing this registers nothing.
 */
export { AdamOptimizer, adam, type AdamSettings } from './adam.js';
export { SgdOptimizer, sgd, type SgdSettings } from './sgd.js';
export type { ParameterGroup, VariableSettings } from './parameter-groups.js';
export { SlotOptimizer, type NamedTensor } from './slot-optimizer.js';

export { softmaxCrossEntropy } from './ops/softmax-cross-entropy/index.js';
