/** Images in WebDataset's tar shards: for Node. */
export type { ClassImagesOptions } from '../class-images/options.js';
export { fromWebDataset } from './webdataset.js';
