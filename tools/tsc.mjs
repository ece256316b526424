/**
 * The native TypeScript compiler, with its own arguments: `node tools/tsc.mjs -p tsconfig.json`. It builds and checks a
 * package in a fifth of the time. Under the name `typescript` lies the last one that is a library as well, for what reads
 * types (ESLint, TypeDoc, API Extractor).
 */
await import(new URL('bin/tsc', import.meta.resolve('typescript-native/package.json')).href);
