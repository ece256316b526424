/**
 * What a WGSL kernel needs of the tfjs webgpu backend, written down here so that this package depends on no other:
 * who does not use WebGPU installs nothing for it.
 */
import * as tf from '@tensorflow/tfjs';

import { assertKernel, registerOwnKernel } from '../../operation.js';

/** Of tfjs: it puts a declaration of every input and uniform, and the entry point, around `getUserCode()`. */
export interface WebgpuProgram {
  readonly variableNames: string[];
  /** Numbers in an element of each input's array: 1, or 4 for `vec4`. */
  readonly variableComponents: number[];
  readonly outputComponent: number;
  readonly outputShape: number[];
  readonly uniforms: string;
  readonly workgroupSize: [number, number, number];
  readonly dispatchLayout: { readonly x: number[] };
  /** Workgroups; tfjs spreads those that are too many for one dimension of the device over two or three. */
  readonly dispatch: [number, 1, 1];
  /** Programs of one key have the same code for inputs of the same ranks. */
  readonly shaderKey: string;
  getUserCode(): string;
}

export interface WebgpuBackend {
  makeTensorInfo(shape: readonly number[], dtype: 'int32' | 'float32', values?: tf.TypedArray): tf.TensorInfo;
  disposeData(dataId: object): boolean;
  runWebGPUProgram(
    program: WebgpuProgram,
    inputs: tf.TensorInfo[],
    dtype: 'float32',
    uniforms: { type: 'int32' | 'float32'; data: number[] }[],
  ): tf.TensorInfo;
}

export interface WebgpuCall<Attributes> {
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  readonly attributes: Attributes;
  readonly backend: WebgpuBackend;
}

/** A kernel for the webgpu backend, as a function that runs shaders. */
export type WebgpuKernel<Attributes> = (call: WebgpuCall<Attributes>) => tf.TensorInfo | tf.TensorInfo[];

/** Registers a kernel with tfjs, whether the backend is there or not; a second time is once. */
export function registerWebgpuKernel<Attributes>(kernelName: string, kernel: WebgpuKernel<Attributes>): void {
  assertKernel(kernelName, kernel, 'registerWebgpuKernel()');
  registerOwnKernel({
    kernelName,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, attrs, backend }) =>
      kernel({
        inputs: inputs as WebgpuCall<Attributes>['inputs'],
        attributes: attrs as unknown as Attributes,
        backend: backend as WebgpuBackend,
      }),
  });
}

export interface Shader {
  /** What the code depends on beside the ranks of the inputs. */
  readonly key: string;
  readonly code: string;
  /** Inputs by the names that the code calls them; `components` numbers in an element of the array, 1 when absent. */
  readonly inputs: readonly {
    readonly name: string;
    readonly info: tf.TensorInfo;
    readonly components?: number;
  }[];
  readonly outputShape: readonly number[];
  readonly outputComponents?: number;
  /** Whole numbers, each an `i32` of the `uniforms`. */
  readonly uniforms: Readonly<Record<string, number>>;
  /** Numbers, each an `f32` of the `uniforms`. */
  readonly floatUniforms?: Readonly<Record<string, number>>;
  readonly threads: number;
  /**
   * Workgroups, of any number: `main(index)` is called with the thread's index among those of all workgroups. There
   * may be some more than asked for, after the last.
   */
  readonly workgroups: number;
}

/** Runs a shader that writes `result`. */
export function runShader(backend: WebgpuBackend, shader: Shader): tf.TensorInfo {
  const { inputs, uniforms, floatUniforms = {}, workgroups, outputShape } = shader;
  const program: WebgpuProgram = {
    variableNames: inputs.map(({ name }) => name),
    variableComponents: inputs.map(({ components }) => components ?? 1),
    outputComponent: shader.outputComponents ?? 1,
    outputShape: [...outputShape],
    uniforms: [
      ...Object.keys(uniforms).map((name) => `${name} : i32, `),
      ...Object.keys(floatUniforms).map((name) => `${name} : f32, `),
    ].join(''),
    workgroupSize: [shader.threads, 1, 1],
    dispatchLayout: { x: outputShape.map((_, axis) => axis) },
    dispatch: [workgroups, 1, 1],
    shaderKey: shader.key,
    getUserCode: () => shader.code,
  };
  return backend.runWebGPUProgram(
    program,
    inputs.map(({ info }) => info),
    'float32',
    [
      ...Object.values(uniforms).map((value) => ({ type: 'int32' as const, data: [value] })),
      ...Object.values(floatUniforms).map((value) => ({ type: 'float32' as const, data: [value] })),
    ],
  );
}

/** `run` with values that have an element at least: WebGPU binds no empty buffer. */
export function withElements<T>(
  backend: WebgpuBackend,
  info: tf.TensorInfo,
  run: (info: tf.TensorInfo) => T,
): T {
  if (tf.util.sizeFromShape(info.shape) > 0) return run(info);
  const standIn = backend.makeTensorInfo([4], 'float32', new Float32Array(4));
  try {
    return run(standIn);
  } finally {
    backend.disposeData(standIn.dataId);
  }
}
