/**
 * `einsum`: tfjs has no gradient of it, and neither `tf.layers.multiHeadAttention` nor `einsumDense` could train; nor has the
 * wasm backend the op. On cpu and webgpu it is wrong where an axis of one operand alone is summed over or left. It is a product
 * of matrices in batches, `[batch, free, contracted]`.
 */
import * as tf from '@tensorflow/tfjs';

import { composed, onBackends, type GradientFunction, type KernelCall, type Repair } from '../repair.js';

/** An equation such as 'bij,bjk->bik': one label for each axis. */
interface Equation {
  readonly terms: readonly string[];
  readonly output: string;
}

/** Kernel Einsum: one or two operands; attrs `{ equation }`. Labels may not repeat within a term (as in tfjs). */
function contraction({ inputs, attrs }: KernelCall): tf.Tensor {
  const operands = Object.values(inputs);
  return contract(parseEquation(attrs['equation'] as string, operands), operands);
}

/**
 * By an operand: the einsum of dy and the other operand with the labels exchanged, repeated along the axes that were summed
 * away on their own.
 */
const gradient: GradientFunction = (dy, saved, attrs) => {
  const equation = parseEquation(attrs['equation'] as string, saved);
  const byOperand = saved.map((_, which) => [which, () => operandGradient(equation, saved, which, dy)]);
  return Object.fromEntries(byOperand) as Record<string, () => tf.Tensor>;
};

function operandGradient(
  { terms, output }: Equation,
  operands: readonly tf.Tensor[],
  which: number,
  dy: tf.Tensor,
) {
  const term = terms[which]!;
  const { shape } = operands[which]!;
  const others = operands.filter((_, i) => i !== which);
  const otherTerms = terms.filter((_, i) => i !== which);
  const known = [...term].filter(
    (label) => output.includes(label) || otherTerms.some((t) => t.includes(label)),
  );
  const gradient = tf.einsum(`${[output, ...otherTerms].join(',')}->${known.join('')}`, dy, ...others);
  const keptShape = shape.map((size, axis) => (known.includes(term[axis]!) ? size : 1));
  return tf.broadcastTo(tf.reshape(gradient, keptShape), shape);
}

/** @throws if the equation is malformed or does not fit the operands' shapes */
function parseEquation(text: string, operands: readonly tf.Tensor[]): Equation {
  const { allDims, idDims } = tf.backend_util.decodeEinsumEquation(text, operands.length);
  tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, operands as tf.Tensor[]);
  const [inputs, output] = text.replace(/\s/g, '').split('->') as [string, string];
  const terms = inputs.split(',');
  if (new Set(output).size !== output.length) {
    throw new Error(
      `einsum: the output of '${text}' names an axis twice, which the ${tf.getBackend()} backend does not support.`,
    );
  }
  terms.forEach((term, i) => {
    if (term.length === operands[i]!.rank) return;
    throw new Error(
      `einsum: term '${term}' of '${text}' names ${term.length} axes of a tensor [${operands[i]!.shape}].`,
    );
  });
  return { terms, output };
}

/** Sums out what only one operand has, then multiplies matrices [batch, free, contracted]. */
function contract({ terms, output }: Equation, operands: readonly tf.Tensor[]): tf.Tensor {
  if (operands.length === 1) {
    const { tensor, labels } = sumOut(operands[0]!, terms[0]!, output);
    return arrange(tensor, labels, output);
  }
  const a = sumOut(operands[0]!, terms[0]!, output + terms[1]);
  const b = sumOut(operands[1]!, terms[1]!, output + terms[0]);
  const sizes = new Map<string, number>();
  for (const { tensor, labels } of [a, b])
    tensor.shape.forEach((size, axis) => sizes.set(labels[axis]!, size));
  const shared = [...a.labels].filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => output.includes(label)).join('');
  const summed = shared.filter((label) => !output.includes(label)).join('');
  const freeA = [...a.labels].filter((label) => !shared.includes(label)).join('');
  const freeB = [...b.labels].filter((label) => !shared.includes(label)).join('');
  const shapeOf = (labels: string) => [...labels].map((label) => sizes.get(label)!);
  const count = (labels: string) => tf.util.sizeFromShape(shapeOf(labels));
  const left = tf.reshape(arrange(a.tensor, a.labels, batch + freeA + summed), [
    count(batch),
    count(freeA),
    count(summed),
  ]);
  const right = tf.reshape(arrange(b.tensor, b.labels, batch + freeB + summed), [
    count(batch),
    count(freeB),
    count(summed),
  ]);
  const product = tf.matMul(left, right, false, true);
  return arrange(tf.reshape(product, shapeOf(batch + freeA + freeB)), batch + freeA + freeB, output);
}

/** The tensor summed over the axes whose labels are not among `kept`. */
function sumOut(tensor: tf.Tensor, labels: string, kept: string): { tensor: tf.Tensor; labels: string } {
  const axes = [...labels].flatMap((label, axis) => (kept.includes(label) ? [] : [axis]));
  if (axes.length === 0) return { tensor, labels };
  const rest = [...labels].filter((label) => kept.includes(label)).join('');
  return { tensor: tf.sum(tensor, axes), labels: rest };
}

/** The axes labelled `from` in the order `to`. */
function arrange(tensor: tf.Tensor, from: string, to: string): tf.Tensor {
  if (from === to) return tf.clone(tensor);
  return tf.transpose(
    tensor,
    [...to].map((label) => from.indexOf(label)),
  );
}

const kernel = composed(contraction);

export const einsum: Repair = {
  gradients: { Einsum: (stock) => ({ saveAllInputs: true, gradient: stock ?? gradient }) },
  kernels: onBackends(['cpu', 'webgpu'], { Einsum: () => kernel }),
  added: { wasm: { Einsum: kernel } },
};
