/** Images in folders of classes: for Node. */
export type { ClassImagesOptions } from '../class-images/options.js';
export { fromImageFolder } from './image-folder.js';
