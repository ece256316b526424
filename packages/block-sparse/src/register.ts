/** Registers the kernels of every backend, and the layers for serialisation. */
import '@espalier/blocks/cpu';
import '@espalier/blocks/wasm';
import '@espalier/blocks/webgpu';
import '@espalier/blocks/tensorflow';
import './layers/register.js';
