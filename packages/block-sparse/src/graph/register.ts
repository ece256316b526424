/** Registers the ops of compressed graph models. */
import { registerGraphOps } from './ops.js';

registerGraphOps();
