// Identity and Cast for the wasm backend without a copy where the data stays the same, as the other backends do it.
// The stock kernels copy; training clones every tensor that it saves for the backward pass.

import type { WasmBackend, WasmKernel } from '@espalier/blocks';
import type { TensorInfo } from '@tensorflow/tfjs';

import type { KernelSet } from '../kernel-set.js';

/** Identity: a tensor that shares the data of x. */
function identity(stock: WasmKernel): WasmKernel {
  return (call) => {
    const x = call.inputs['x']!;
    return x.dtype === 'string' ? stock(call) : shared(call.backend, x);
  };
}

/** Cast: the same if x has the type already. */
function cast(stock: WasmKernel): WasmKernel {
  return (call) => {
    const x = call.inputs['x']!;
    const same = x.dtype === call.attrs['dtype'] && x.dtype !== 'string';
    return same ? shared(call.backend, x) : stock(call);
  };
}

function shared(backend: WasmBackend, { dataId, shape, dtype }: TensorInfo): TensorInfo {
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}

export const alias: KernelSet = { replaced: { Identity: identity, Cast: cast } };
