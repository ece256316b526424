// What a product or a convolution does to its result before storing it: adds a bias to each column and applies an
// activation. These are the fusions that tfjs knows.

import { type WasmCall, type WasmBackend, offsetOf } from '@espalier/blocks';
import type { TensorInfo } from '@tensorflow/tfjs';

import type { EpilogueArguments } from '../wasm/exports.js';
import { kernelsOf } from '../wasm/link.js';

/** Numbers of assembly/activation.ts. */
const ACTIVATION: Readonly<Record<string, number>> = {
  linear: 0,
  relu: 1,
  relu6: 2,
  prelu: 3,
  leakyrelu: 4,
  sigmoid: 5,
  elu: 6,
};

export interface Epilogue {
  readonly bias?: TensorInfo | undefined;
  readonly activation: number;
  readonly slopes?: TensorInfo | undefined;
  readonly slope: number;
}

export const PLAIN: Epilogue = { activation: 0, slope: 0 };

/** The epilogue that a fused kernel asks for, or null if its bias, slopes or activation are not served here. */
export function epilogueOf({ inputs, attrs }: WasmCall, columns: number): Epilogue | null {
  const { bias, preluActivationWeights: slopes } = inputs;
  const activation = ACTIVATION[(attrs['activation'] as string | undefined) ?? 'linear'];
  if (activation === undefined || !isRow(bias, columns) || !isRow(slopes, columns)) return null;
  return { bias, activation, slopes, slope: (attrs['leakyreluAlpha'] as number | undefined) ?? 0 };
}

export const PLAIN_ARGUMENTS: EpilogueArguments = [0, 0, 0, 0];

/** The arguments of the wasm kernels for it. */
export function epilogueArguments(
  backend: WasmBackend,
  { bias, activation, slopes, slope }: Epilogue,
): EpilogueArguments {
  return [bias ? offsetOf(backend, bias) : 0, activation, slopes ? offsetOf(backend, slopes) : 0, slope];
}

/** Adds the bias to C [m, n] and applies the activation, where there are any. */
export function finish(
  backend: WasmBackend,
  c: number,
  m: number,
  n: number,
  epilogue: EpilogueArguments,
): void {
  const [bias, activation] = epilogue;
  if (bias === 0 && activation === 0) return;
  kernelsOf(backend).exports.finishColumns(c, n, m, 0, n, ...epilogue);
}

/** Whether a tensor holds one float for each column, or is absent. */
function isRow(tensor: TensorInfo | null | undefined, columns: number): boolean {
  if (!tensor) return true;
  const size = tensor.shape.reduce((product, length) => product * length, 1);
  return tensor.dtype === 'float32' && tensor.shape.at(-1) === columns && size === columns;
}
