/** Registers the kernels of every backend, and the layers for serialisation. */
import './cpu/register.js';
import './wasm/register.js';
import './layers/register.js';
import './webgpu/register.js';
