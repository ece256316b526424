/** What a case may not do: write where it has no business, or end in what no caller can do anything with. */

/**
 * Tensors that nobody is told of, between those of a case: whoever writes beyond the end of a tensor writes into them.
 *
 * @param lengths what their lengths are drawn from
 * @param numbers what their numbers are drawn from
 */
export function guardsOf(tf, lengths, numbers = lengths) {
  const guards = [];
  const add = () => {
    const values = Float32Array.from({ length: 1 + Math.floor(lengths() * 64) }, () => numbers() - 0.5);
    guards.push({ tensor: tf.tensor1d(values), values });
  };
  return {
    /** One more, behind what has been made since. */
    add,
    untouched: () => guards.every(isUntouched),
    dispose: () => tf.dispose(guards.map(({ tensor }) => tensor)),
  };
}

/** Whether a tensor has the bits that it was made of. */
export function isUntouched({ tensor, values }) {
  const now = bitsOf(tensor);
  return new Uint32Array(values.buffer).every((bits, at) => bits === now[at]);
}

export function bitsOf(tensor) {
  return new Uint32Array(tensor.dataSync().slice().buffer);
}

/** Why an error is none that a caller could do anything with; null where it is one. */
export function badError(error) {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  if (error instanceof WebAssembly.RuntimeError) return `trapped: ${error.message}`;
  return error.message === '' ? 'threw an error without a message' : null;
}
