/**
 * The one way to define an op: a name in tfjs' registry, under which each backend may have a kernel of its own, one
 * gradient for all of them, and a composition of tfjs' own ops for the backends that have none.
 *
 * An op is a folder of `ops/`: its definition in `index.ts`; its kernels, where it has any, beside that in `cpu.ts`,
 * `wasm.ts` (and, in AssemblyScript, `*.as.ts`) and `webgpu.ts`. A package elsewhere defines one in the same way, and
 * registers its kernels by `registerCpuKernel`, `registerWasmKernel` and `registerWebgpuKernel`.
 */
import * as tf from '@tensorflow/tfjs';

import { describeValue } from './describe-value.js';

/** Input tensors by name; one that is left out is not there. */
export type OperationInputs = Readonly<Record<string, tf.Tensor>>;

/** An operation. `Attributes` is what its kernels receive as `attrs`, `Result` one tensor or several. */
export interface Operation<Attributes extends object, Result extends tf.Tensor | tf.Tensor[] = tf.Tensor> {
  /** Its kernels' name with tfjs. */
  readonly name: string;
  readonly inputsToSave?: readonly string[];
  readonly savesOutput?: boolean;
  /**
   * The gradient by each input, computed when it is wanted. Absent for an op that is itself a gradient, and is not
   * used where gradients are differentiated (`areGradientsDifferentiated`).
   */
  gradient?(
    dy: tf.Tensor,
    saved: tf.Tensor[],
    attributes: Attributes,
  ): Readonly<Record<string, () => tf.Tensor>>;
  /** The result by ops of tfjs. Runs in a tidy; returns new tensors. */
  composed(inputs: OperationInputs, attributes: Attributes): Result;
}

/**
 * Nothing is registered before the first call: a module that defines an op has no side effects.
 *
 * @returns the operation on the backend of the moment. One that has no kernel for it gets the composition as its
 *   kernel at the first call.
 */
export function defineOperation<
  Attributes extends object,
  Result extends tf.Tensor | tf.Tensor[] = tf.Tensor,
>(
  operation: Operation<Attributes, Result>,
): <Out extends Result>(inputs: OperationInputs, attributes: Attributes) => Out {
  const { name, composed } = operation ?? {};
  if (typeof name !== 'string' || name === '' || typeof composed !== 'function') {
    throw new TypeError(
      `defineOperation() takes { name, composed, … }, the name of a kernel and its composition: it is given ${describeValue(operation)}`,
    );
  }
  let hasGradient = false;
  return <Out extends Result>(inputs: OperationInputs, attributes: Attributes) => {
    if (!hasGradient) {
      registerGradient(operation);
      hasGradient = true;
    }
    const backendName = tf.getBackend();
    if (!tf.getKernel(name, backendName)) registerComposition(operation, backendName);
    return tf
      .engine()
      .runKernel(name, inputs as tf.NamedTensorMap, attributes as unknown as tf.NamedAttrMap) as Out;
  };
}

/**
 * Whether what is computed now is part of a gradient that is itself differentiated: then it must be made of ops that
 * have gradients.
 */
export function areGradientsDifferentiated(): boolean {
  return tf.engine().state.gradientDepth > 0;
}

function registerGradient<Attributes extends object, Result extends tf.Tensor | tf.Tensor[]>({
  name,
  inputsToSave = [],
  savesOutput = false,
  gradient,
}: Operation<Attributes, Result>): void {
  if (!gradient || tf.getGradient(name)) return;
  tf.registerGradient({
    kernelName: name,
    inputsToSave: [...inputsToSave],
    outputsToSave: [savesOutput],
    gradFunc: (dy, saved, attributes) =>
      gradient(dy as tf.Tensor, saved, attributes as unknown as Attributes),
  });
}

function registerComposition<Attributes extends object, Result extends tf.Tensor | tf.Tensor[]>(
  { name, composed }: Operation<Attributes, Result>,
  backendName: string,
): void {
  const kernelFunc = compositionKernel(composed) as unknown as tf.KernelFunc;
  compositions.add(kernelFunc);
  tf.registerKernel({ kernelName: name, backendName, kernelFunc });
}

/**
 * A composition as a kernel: what a backend's list names for an op that it composes, so that the kernel can be replaced.
 * While a kernel runs, tfjs records no gradients: what it calls is no part of the tape.
 */
export function compositionKernel<Attributes extends object, Result extends tf.Tensor | tf.Tensor[]>(
  composed: Operation<Attributes, Result>['composed'],
): (call: { readonly inputs: object; readonly attrs: object }) => Result {
  return ({ inputs, attrs }) => tf.tidy(() => composed(inputs as OperationInputs, attrs as Attributes));
}

const compositions = new WeakSet<tf.KernelFunc>();

/** @throws TypeError for what is no name and kernel */
export function assertKernel(kernelName: string, kernel: unknown, of: string): void {
  if (typeof kernelName === 'string' && kernelName !== '' && typeof kernel === 'function') return;
  const [what, value] = typeof kernel === 'function' ? ['kernelName', kernelName] : ['the kernel', kernel];
  throw new TypeError(`${of} takes a name and a function: ${what} is ${describeValue(value)}`);
}

/** Registers a kernel with tfjs. One that is there stays; a composition, of a call that came before, makes room. */
export function registerOwnKernel(kernel: tf.KernelConfig): void {
  const { kernelName, backendName } = kernel;
  const known = tf.getKernel(kernelName, backendName);
  if (known && !compositions.has(known.kernelFunc)) return;
  if (known) tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel(kernel);
}
