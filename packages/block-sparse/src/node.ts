/** Files of models, for Node. */
export { fileSystem } from './files/file-system.js';
