/** Registers the kernels of every backend, the layers for serialisation, and the ops of graph models. */
import '@espalier/blocks/cpu';
import '@espalier/blocks/wasm';
import '@espalier/blocks/webgpu';
import '@espalier/blocks/tensorflow';
import './layers/register.js';
import './graph/register.js';
