// Everything the JavaScript side calls. The module owns no memory: it imports the tfjs backend's, and must have
// no data segment of its own (tools/build-wasm.mjs checks that).

export { blockSparseDirect, directScratchBytes, sumDirect } from './direct';
export { blockSparseGradient, gradientScratchBytes } from './gradient';
export { patches } from './patches';
export { blockSparseProduct, productScratchBytes } from './product';
export { blockSparseRows, sum16, sum4, sum8 } from './rows';
// prettier-ignore
export {
  s11, s12, s21, s22, s31, s32, s41, s42, s51, s52, t11, t12, t21, t22, t31, t32, t41, t42, t51, t52,
} from './tile';
export { blockValuesDot, gatherBlocks, scaleBlockValues, scatterBlocks } from './values';
