/** What a kernel of the tfjs cpu backend receives and returns, as arrays. */
import type * as tf from '@tensorflow/tfjs';

import { assertKernel, registerOwnKernel } from '../../operation.js';

/** A tensor of float32 on the JavaScript side. */
export interface CpuTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/**
 * A kernel as a function of arrays: the definition written out as loops, in double precision where it sums, that the
 * other backends are tested against. `Attributes` is as the operation declares it.
 */
export type CpuKernel<Names extends string, Attributes> = (
  inputs: Readonly<Record<Names, CpuTensor>>,
  attributes: Attributes,
) => CpuTensor | CpuTensor[];

interface CpuBackend {
  readonly data: { get(dataId: object): { readonly values: Float32Array } };
  makeTensorInfo(shape: readonly number[], dtype: 'float32', values: Float32Array): tf.TensorInfo;
}

/** Registers a kernel for the cpu backend; a second time is once. */
export function registerCpuKernel<Names extends string, Attributes>(
  kernelName: string,
  compute: CpuKernel<Names, Attributes>,
): void {
  assertKernel(kernelName, compute, 'registerCpuKernel()');
  registerOwnKernel({
    kernelName,
    backendName: 'cpu',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const cpu = backend as CpuBackend;
      const arrays = Object.entries(inputs).flatMap(([name, info]) =>
        info ? [[name, { shape: info.shape, values: cpu.data.get(info.dataId).values }]] : [],
      );
      const out = compute(Object.fromEntries(arrays) as Record<Names, CpuTensor>, attrs as Attributes);
      const made = ({ shape, values }: CpuTensor) => cpu.makeTensorInfo(shape, 'float32', values);
      return Array.isArray(out) ? out.map(made) : made(out);
    },
  });
}
