/**
 * What a repair is, and how it gets into tfjs' registry: a gradient function, which holds on every backend, or a kernel of
 * one backend, in the place of the one that is there.
 */
import * as tf from '@tensorflow/tfjs';

export type Attributes = Readonly<Record<string, unknown>>;

export interface KernelCall {
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly attrs: Attributes;
  readonly backend: unknown;
}

export type Kernel = (call: KernelCall) => tf.TensorInfo | tf.TensorInfo[];

/** The gradient by each input, computed when it is wanted. */
export type GradientFunction = (
  dy: tf.Tensor,
  saved: tf.Tensor[],
  attrs: Attributes,
) => Record<string, () => tf.Tensor>;

/** The gradient of an op: what of a call it needs, and what it makes of that. */
export interface Gradient {
  readonly inputsToSave?: string[];
  readonly outputsToSave?: boolean[];
  readonly saveAllInputs?: boolean;
  readonly gradient: GradientFunction;
}

export interface Repair {
  /** By the name of the op. Each is given the gradient that is there, null where there is none. */
  readonly gradients?: Readonly<Record<string, (stock: GradientFunction | null) => Gradient>>;
  /** By backend and the name of the op. Each is given the kernel that is there; one that is missing stays so. */
  readonly kernels?: Readonly<Record<string, Readonly<Record<string, (stock: Kernel) => Kernel>>>>;
  /** Kernels that a backend lacks, by backend and the name of the op. */
  readonly added?: Readonly<Record<string, Readonly<Record<string, Kernel>>>>;
}

/** Of each repair, what has been registered. Whoever registers over it afterwards stays in its place. */
const registered = new WeakMap<Repair, Set<string>>();

/** Registers the gradients of a repair, and its kernels for a backend, once each. */
export function register(repair: Repair, backendName: string): void {
  const { gradients = {}, kernels = {}, added = {} } = repair;
  const done = registered.get(repair) ?? new Set();
  registered.set(repair, done);
  const once = (what: string, act: () => void) => {
    if (done.has(what)) return;
    act();
    done.add(what);
  };
  for (const [op, make] of Object.entries(gradients)) once(op, () => replaceGradient(op, make));
  for (const [op, make] of Object.entries(kernels[backendName] ?? {})) {
    const stock = tf.getKernel(op, backendName);
    if (stock) once(`${op} on ${backendName}`, () => replaceKernel(stock, make));
  }
  for (const [op, kernel] of Object.entries(added[backendName] ?? {})) {
    if (!tf.getKernel(op, backendName)) {
      tf.registerKernel({ kernelName: op, backendName, kernelFunc: kernel as unknown as tf.KernelFunc });
    }
  }
}

function replaceGradient(op: string, make: (stock: GradientFunction | null) => Gradient): void {
  const stock = tf.getGradient(op);
  const { gradient, ...saving } = make((stock?.gradFunc ?? null) as unknown as GradientFunction | null);
  // tfjs warns of a second registration.
  if (stock) tf.unregisterGradient(op);
  tf.registerGradient({ kernelName: op, ...saving, gradFunc: gradient as unknown as tf.GradFunc });
}

function replaceKernel(stock: tf.KernelConfig, make: (stock: Kernel) => Kernel): void {
  const kernelFunc = make(stock.kernelFunc as unknown as Kernel) as unknown as tf.KernelFunc;
  tf.unregisterKernel(stock.kernelName, stock.backendName);
  // What it sets a backend up with stays: other kernels may be built on it.
  tf.registerKernel({ ...stock, kernelFunc });
}

/** What a kernel gives, as a tensor of the tidy that it is called in. */
export function outcome(kernel: Kernel, call: KernelCall): tf.Tensor {
  const out = kernel(call) as tf.TensorInfo;
  return out instanceof tf.Tensor ? out : tf.engine().makeTensorFromTensorInfo(out);
}

/** A kernel made of ops of tfjs. While a kernel runs, tfjs records no gradients. */
export function composed(compute: (call: KernelCall) => tf.Tensor): Kernel {
  return (call) => tf.tidy(() => compute(call));
}

/**
 * What an op gives on the backend of the moment, by its name with tfjs.
 *
 * @throws GradientError where the backend has no such kernel
 */
export function run(op: string, inputs: Record<string, tf.Tensor>, attrs: Attributes = {}): tf.Tensor {
  requireKernel(op);
  return tf.engine().runKernel(op, inputs, attrs as tf.NamedAttrMap) as tf.Tensor;
}

/** @throws GradientError where the backend of the moment has no such kernel */
export function requireKernel(op: string): void {
  const backend = tf.getBackend();
  if (tf.getKernel(op, backend)) return;
  const remedy = backend === 'wasm' ? "import '@espalier/wasm-training', which brings it" : 'train on cpu';
  throw new GradientError(op, 'tfjs has no such kernel there', remedy);
}

/** The same kernels for several backends. */
export function onBackends<T>(backends: readonly string[], kernels: T): Record<string, T> {
  return Object.fromEntries(backends.map((backend) => [backend, kernels]));
}

/** A gradient that is not to be had: the op, the backend, why, and the way out. */
export class GradientError extends Error {
  override readonly name = 'GradientError';

  constructor(op: string, why: string, remedy: string) {
    super(`${op} on the ${tf.getBackend()} backend: ${why}; ${remedy}`);
  }
}
