/**
 * How the operations of this package become tfjs kernels: a name in tfjs' registry, under which each backend has a
 * kernel of its own, one gradient for all of them, and a composition of tfjs' ops for the backends that have none.
 */
import * as tf from '@tensorflow/tfjs';

type Inputs = Readonly<Record<string, tf.Tensor>>;

/** An operation. `Attributes` is what its kernels receive as `attrs`. */
export interface Operation<Attributes extends object> {
  readonly name: string;
  readonly inputsToSave?: readonly string[];
  readonly savesOutput?: boolean;
  /** The gradient by each input, computed when it is wanted. */
  gradient(
    dy: tf.Tensor,
    saved: tf.Tensor[],
    attributes: Attributes,
  ): Readonly<Record<string, () => tf.Tensor>>;
  /** The result by ops of tfjs. Runs in a tidy; returns a new tensor. */
  composed(inputs: Inputs, attributes: Attributes): tf.Tensor;
}

/**
 * Registers the operation's gradient.
 *
 * @returns the operation on the backend of the moment. One that has no kernel for it gets the composition as its
 *   kernel at the first call.
 */
export function defineOperation<Attributes extends object>(
  operation: Operation<Attributes>,
): <T extends tf.Tensor>(inputs: Inputs, attributes: Attributes) => T {
  const { name, inputsToSave = [], savesOutput = false } = operation;
  tf.registerGradient({
    kernelName: name,
    inputsToSave: [...inputsToSave],
    outputsToSave: [savesOutput],
    gradFunc: (dy, saved, attributes) =>
      operation.gradient(dy as tf.Tensor, saved, attributes as unknown as Attributes),
  });
  return (inputs, attributes) => {
    const backendName = tf.getBackend();
    if (!tf.getKernel(name, backendName)) registerComposition(operation, backendName);
    return tf.engine().runKernel(name, { ...inputs }, attributes as unknown as tf.NamedAttrMap);
  };
}

function registerComposition<Attributes extends object>(
  { name, composed }: Operation<Attributes>,
  backendName: string,
): void {
  tf.registerKernel({
    kernelName: name,
    backendName,
    // While a kernel runs, tfjs records no gradients: what it calls is no part of the tape.
    kernelFunc: ({ inputs, attrs }) =>
      tf.tidy(() => composed(inputs as Inputs, attrs as unknown as Attributes)),
  });
}
