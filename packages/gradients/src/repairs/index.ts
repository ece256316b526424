/** All repairs, in the order in which they are registered. */
import type { Repair } from '../repair.js';
import { averagePool } from './average-pool.js';
import { batchNorm } from './batch-norm.js';
import { broadcastPairs } from './broadcast-pairs.js';
import { cast } from './cast.js';
import { conv2d } from './conv2d.js';
import { conv3d } from './conv3d.js';
import { cumulative } from './cumulative.js';
import { dilation2d } from './dilation2d.js';
import { einsum } from './einsum.js';
import { extremes } from './extremes.js';
import { floorDiv } from './floor-div.js';
import { fused } from './fused.js';
import { gaps } from './gaps.js';
import { gather } from './gather.js';
import { matMul } from './mat-mul.js';
import { maxPool } from './max-pool.js';
import { mirrorPad } from './mirror-pad.js';
import { ofNothing } from './of-nothing.js';
import { pad } from './pad.js';
import { parts } from './parts.js';
import { pow } from './pow.js';
import { prelu } from './prelu.js';
import { prod } from './prod.js';
import { resize } from './resize.js';
import { tile } from './tile.js';

export const repairs: readonly Repair[] = [
  ...[cast, broadcastPairs, pow, floorDiv, prelu],
  ...[extremes, prod, ofNothing, cumulative],
  ...[mirrorPad, pad, tile, parts, gather],
  ...[matMul, einsum, conv2d, conv3d, batchNorm],
  ...[averagePool, maxPool, dilation2d, resize],
  // Around what is repaired above.
  ...[gaps, fused],
];
