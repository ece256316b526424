/** Dense layers, activations, and flattening. */
import { kernel, type Layer, type Pass, parameter, type Tensor } from '../network.js';
import type { Node } from '../tape.js';

/** `x W + b`. */
export function dense(
  name: string,
  inputs: number,
  units: number,
  { decay = 0, trainable = true }: { decay?: number; trainable?: boolean } = {},
): Layer {
  const weight = kernel(`${name}/kernel`, [inputs, units], decay);
  const bias = parameter(`${name}/bias`, [units]);
  return {
    name,
    parameters: [weight, bias],
    kernels: [weight],
    trainable,
    apply: (pass, { shape: [batch], nodes }) => {
      pass.meets(weight, columnSquares(pass, nodes, inputs));
      return {
        shape: [batch, units],
        nodes: addBias(pass, matMul(pass, nodes, pass.read(weight), inputs, units), pass.read(bias)),
      };
    },
  };
}

/** `Σ x²` over the rows of a matrix `[…, inner]`, of each column. */
export function columnSquares(
  { tape }: Pass,
  nodes: readonly Node[],
  inner: number,
): (column: number) => number {
  return (column) =>
    nodes
      .filter((_, i) => i % inner === column)
      .reduce((sum, node) => sum + tape.value(node) * tape.value(node), 0);
}

/** The product of a matrix `[…, inner]` and one `[inner, columns]`, row by row. */
export function matMul(
  { tape }: Pass,
  a: readonly Node[],
  b: readonly Node[],
  inner: number,
  columns: number,
): Node[] {
  const columnsOfB = Array.from({ length: columns }, (_, column) =>
    Array.from({ length: inner }, (_, i) => b[i * columns + column]),
  );
  return Array.from({ length: a.length / inner }, (_, row) =>
    a.slice(row * inner, (row + 1) * inner),
  ).flatMap((row) => columnsOfB.map((column) => tape.dot(row, column)));
}

/** One number for each place of the last axis is added. */
export function addBias({ tape }: Pass, nodes: readonly Node[], bias: readonly Node[]): Node[] {
  return nodes.map((node, i) => tape.add(node, bias[i % bias.length]));
}

export type Activation = 'tanh' | 'relu';

export function activation(kind: Activation): Layer {
  return withoutParameters(kind, ({ tape }, { shape, nodes }) => ({
    shape,
    nodes: nodes.map((node) => tape[kind](node)),
  }));
}

export function flatten(): Layer {
  return withoutParameters('flatten', (_, { shape: [batch], nodes }) => ({
    shape: [batch, nodes.length / batch],
    nodes,
  }));
}

function withoutParameters(name: string, apply: (pass: Pass, input: Tensor) => Tensor): Layer {
  return { name, parameters: [], kernels: [], trainable: true, apply };
}
