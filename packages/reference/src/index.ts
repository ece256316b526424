/** Every strategy in plain doubles, from the papers' equations; nothing of Espalier or TensorFlow.js is in it. */
export * from './network.js';
export * from './optimizers.js';
export type { Strategy } from './run.js';
export { type Allocation, global } from './selection.js';
export { train, type Training } from './train.js';

export { acdc } from './strategies/acdc.js';
export { gmp } from './strategies/gmp.js';
export { iht } from './strategies/iht.js';
export { magnitude } from './strategies/magnitude.js';
export { omp, ompr } from './strategies/omp.js';
export { powerpropagation } from './strategies/powerpropagation.js';
export { random } from './strategies/random.js';
export { rigl } from './strategies/rigl.js';
export { sequentialAttention } from './strategies/sequential-attention.js';
export { sequentialAttentionPlusPlus } from './strategies/sequential-attention-plus-plus.js';
export { softmaxAttention } from './strategies/softmax-attention.js';
export { plainStr, str } from './strategies/str.js';
export { structuredDst } from './strategies/structured-dst.js';
export { wanda } from './strategies/wanda.js';
export { groupLasso } from './strategies/group-lasso.js';
export { l1Masks } from './strategies/l1-masks.js';
