/** Registers the block-sparse layers for serialisation. */
import { registerLayers } from './block-sparse-layer.js';

registerLayers();
