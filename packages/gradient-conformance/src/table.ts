/** Every op that the sweep goes over. */
import { arithmetic } from './ops/arithmetic.js';
import { arranging } from './ops/arranging.js';
import { convolutions } from './ops/convolutions.js';
import { elementwise } from './ops/elementwise.js';
import { images } from './ops/images.js';
import { losses } from './ops/losses.js';
import { pooling } from './ops/pooling.js';
import { products } from './ops/products.js';
import { reductions } from './ops/reductions.js';
import type { SweptOp } from './swept-op.js';

export const sweptOps: readonly SweptOp[] = [
  ...[elementwise, arithmetic, reductions, arranging, products],
  ...[convolutions, pooling, images, losses],
].flat();
