/** Parts of data sets. */
import { assertArgument, assertFields, isWhole } from './arguments.js';
import type { DataSet, Examples } from './examples.js';
import { permutation, random } from './random.js';

/** The examples at these indices, in this order. */
export function subset(examples: Examples, indices: Int32Array): Examples {
  return {
    ...examples,
    count: indices.length,
    gather: (asked, draw) =>
      examples.gather(
        Int32Array.from(asked, (index) => indices[index] as number),
        draw,
      ),
  };
}

export interface ValidationCut {
  /** Of the training examples; above 0 and under 1. */
  readonly share?: number;
  /** Which of them: fixed by the seed, whatever is trained. */
  readonly seed?: number;
}

/**
 * Cuts a validation split from the training examples, where the set has none of its own: what settings are chosen by,
 * so that the test examples are looked at once, at the end.
 *
 * @throws RangeError or TypeError for an option that is not what it is to be, or leaves either part empty
 */
export function cutValidation(set: DataSet, { share = 0.1, seed = 0, ...rest }: ValidationCut = {}): DataSet {
  const of = 'cutValidation()';
  assertFields(rest, ['share', 'seed'], `${of}: options`);
  assertArgument(typeof share === 'number' && share > 0 && share < 1, `${of}: share`, share, 'in (0, 1)');
  assertArgument(isWhole(seed, 0), `${of}: seed`, seed, 'a whole number of at least 0');
  if (set.validation) return set;
  const { train } = set;
  const order = permutation(train.count, random(seed, 'validation'));
  const cut = Math.round(share * train.count);
  assertArgument(cut > 0 && cut < train.count, `${of}: share of ${train.count} examples`, share, 'a share that leaves examples on both sides'); // prettier-ignore
  const part = (indices: Int32Array) => subset(train, indices.sort());
  return {
    ...set,
    train: part(order.slice(cut)),
    validation: withoutDraw(part(order.slice(0, cut))),
    ...(set.digest && {
      digest: async () => `${await set.digest?.()}-validation-${share}-${seed}`,
    }),
  };
}

/** As they are, whatever is asked: what is random belongs to training. */
function withoutDraw(examples: Examples): Examples {
  return { ...examples, gather: (indices) => examples.gather(indices) };
}
