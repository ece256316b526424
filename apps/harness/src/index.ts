/** For `espalier.config.ts`; the command itself is `espalier`. */
export { defineConfig, type EspalierConfig } from './define-config.js';
