/** ImageNet: for Node. */
export type { ClassImagesOptions } from '../class-images/options.js';
export { loadImageNet } from './imagenet.js';
export { prepareImageNet, type ImageNetPreparation } from './prepare.js';
