/**
 * For a page that loads compressed models and predicts: registers the layers, the ops of graph models, and the kernels of
 * products on wasm and WebGPU, with nothing of what compresses or trains. Take `@espalier/block-sparse` for these.
 */
import '@espalier/blocks/predicting';
import './layers/register.js';
import './graph/register.js';
