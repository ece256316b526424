// What the JavaScript side calls of the products, and the loops that are better not inlined into them.

export { blockSparseDirect, directScratchBytes, sumDirect } from './direct.as';
export { blockSparseProduct, productScratchBytes } from './product.as';
export { blockSparseRows, sum16, sum4, sum8 } from './rows.as';
export {
  s11, s12, s21, s22, s31, s32, s41, s42, s51, s52, t11, t12, t21, t22, t31, t32, t41, t42, t51, t52,
} from './tile.as';
