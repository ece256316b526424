/** What a kernel of the tfjs cpu backend receives and returns, as arrays. */
import * as tf from '@tensorflow/tfjs';

/** A tensor on the JavaScript side. */
export interface Values {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A kernel as a function of arrays. `Attributes` is as the operation declares it. */
export type Compute<Names extends string, Attributes> = (
  inputs: Readonly<Record<Names, Values>>,
  attributes: Attributes,
) => Values;

interface CpuBackend {
  readonly data: { get(dataId: object): { readonly values: Float32Array } };
  makeTensorInfo(shape: readonly number[], dtype: 'float32', values: Float32Array): tf.TensorInfo;
}

export function registerForCpu<Names extends string, Attributes>(
  kernelName: string,
  compute: Compute<Names, Attributes>,
): void {
  tf.registerKernel({
    kernelName,
    backendName: 'cpu',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const cpu = backend as CpuBackend;
      const arrays = Object.entries(inputs).flatMap(([name, info]) =>
        info ? [[name, { shape: info.shape, values: cpu.data.get(info.dataId).values }]] : [],
      );
      const out = compute(Object.fromEntries(arrays) as Record<Names, Values>, attrs as Attributes);
      return cpu.makeTensorInfo(out.shape, 'float32', out.values);
    },
  });
}
