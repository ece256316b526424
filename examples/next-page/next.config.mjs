/**
 * A compressed model in a page by Next.js, in the browser alone. It is a project of its own; beside it, `public/model` has
 * the model and `public/tfjs-wasm` tfjs' binaries:
 *
 *     npm install next react react-dom @tensorflow/tfjs @tensorflow/tfjs-backend-wasm @espalier/block-sparse @espalier/core
 *     mkdir -p public && cp -r <the model's folder> public/model
 *     mkdir public/tfjs-wasm && cp node_modules/@tensorflow/tfjs-backend-wasm/dist/*.wasm public/tfjs-wasm
 *     npx next build
 */
export default { output: 'export' };
