/** OMPR by itself, for tools that load a strategy as a module's default export. */
export { ompr, ompr as default, type OmprSettings } from './index.js';
