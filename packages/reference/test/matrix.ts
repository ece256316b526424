/** Which settings each strategy is tried under. */
import { optimizerNames } from '../src/optimizers.js';
import type { Setting } from './agreement.js';
import { kindNames } from './kinds.js';

/** The last is ragged in most kernels. */
const blockShapes = [
  [2, 2],
  [2, 1],
  [1, 1],
  [3, 2],
] as const;

/** Every kind of layer, so that over the strategies all pairs occur of kind, optimiser and block shape. */
export function eachKind(strategy: number): Setting[] {
  return kindNames.map((kind, i) => ({
    kind,
    optimizer: optimizerNames[(strategy + i) % optimizerNames.length],
    blockShape: blockShapes[(strategy + i + Math.floor(i / blockShapes.length)) % blockShapes.length],
  }));
}

/** Every kind of layer under every optimiser. */
export function allSettings(strategy: number): Setting[] {
  return optimizerNames.flatMap((_, shift) => eachKind(strategy + shift));
}
