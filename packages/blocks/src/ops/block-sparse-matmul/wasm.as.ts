// What the JavaScript side calls of the gradient by the weights, and the loops that are better not inlined into it.

export { blockSparseGradient, gradientScratchBytes } from './gradient.as';
export { s11, s12, s21, s22, s31, s32, s41, s42, s51, s52 } from './tile.as';
