/** Networks: layers one after the other, their parameters, and the loss. */
import { type Node, Tape } from './tape.js';

/** What is trained, or remembered: an array of doubles with a shape. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float64Array;
  /** The factor of `Σ w²` that the loss has for it. */
  readonly decay: number;
}

/** A kernel, which may be pruned, and how it is seen as a matrix. */
export interface KernelParameter extends Parameter {
  readonly matrix: readonly [rows: number, columns: number];
}

/** Numbers on a tape with a shape, the examples of the batch first. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly nodes: readonly Node[];
}

/** One evaluation of a network. */
export interface Pass {
  readonly tape: Tape;
  /** What the network computes with in the parameter's place, the same nodes at every use. */
  read(parameter: Parameter): readonly Node[];
  /** Whether it is one of a prediction: normalisations go by what they remember. */
  readonly predicts: boolean;
  /**
   * Tells what the weights of a kernel are multiplied by in a use of it: the sum of squares at each place of its matrix.
   */
  meets(kernel: KernelParameter, squares: (row: number, column: number) => number): void;
  /** Notes what a parameter that is not trained becomes when the pass is done. */
  remember(parameter: Parameter, values: readonly number[]): void;
}

export interface Layer {
  readonly name: string;
  /** In the order in which Keras lists them, what is trained first. */
  readonly parameters: readonly Parameter[];
  /** Those among them that are kernels. */
  readonly kernels: readonly KernelParameter[];
  readonly trainable: boolean;
  apply(pass: Pass, input: Tensor): Tensor;
}

/** What is trained is all but what a pass remembers. */
export interface Network {
  readonly layers: readonly Layer[];
  readonly parameters: readonly Parameter[];
  readonly trainable: readonly Parameter[];
  readonly kernels: readonly KernelParameter[];
  output(pass: Pass, input: Tensor): Tensor;
}

/** The layers one after the other; one that is named twice is used twice. */
export function sequence(steps: readonly Layer[]): Network {
  const layers = [...new Set(steps)];
  const trained = layers.filter(({ trainable }) => trainable);
  return {
    layers,
    parameters: layers.flatMap(({ parameters }) => parameters),
    trainable: trained.flatMap(({ parameters }) => parameters.filter(({ name }) => !isRemembered(name))),
    kernels: trained.flatMap(({ kernels }) => kernels),
    output: (pass, input) => steps.reduce((tensor, layer) => layer.apply(pass, tensor), input),
  };
}

function isRemembered(name: string): boolean {
  return name.includes('/moving');
}

export function parameter(name: string, shape: readonly number[], decay = 0): Parameter {
  return { name, shape, values: new Float64Array(shape.reduce((a, b) => a * b, 1)), decay };
}

/** Every axis but the last is rows; of a depthwise kernel `[h, w, in, multiplier]` the last two are columns. */
export function kernel(name: string, shape: readonly number[], decay = 0, columnAxes = 1): KernelParameter {
  const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
  const matrix = [product(shape.slice(0, -columnAxes)), product(shape.slice(-columnAxes))] as const;
  return { ...parameter(name, shape, decay), matrix };
}

/** The mean of the squared differences, over examples and outputs, and `Σ decay · w²` over what has a decay. */
export function lossOf(
  { tape }: Pass,
  output: Tensor,
  target: readonly number[],
  decayed: readonly (readonly [decay: number, nodes: readonly Node[]])[],
): Node {
  const squares = output.nodes.map((node, i) => tape.square(tape.plus(-target[i], node)));
  const penalties = decayed.map(([decay, nodes]) => tape.times(decay, tape.dot(nodes, nodes)));
  return tape.sum([tape.mean(squares), ...penalties]);
}
