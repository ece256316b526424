/** Pruned models as smaller dense ones, which every runtime computes faster. */
export { shrink, type BeforeAndAfter, type Shrunk, type ShrinkReport } from './shrink.js';
export type { ShrunkLayer, Stayed } from './what-went.js';
