/** The way back: from the weight that the network is to compute with to the raw weight that the optimiser trains. */
import { blockDot, type BlockGrid, scaleBlocks } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

/** How far the effective weight may be from the one that was asked for, relative to the largest. */
const TOLERANCE = 1e-5;

interface Coordinates {
  /** The effective weight of a raw one, mask included. */
  effective(raw: tf.Tensor2D): tf.Tensor2D;
  /** `Parameterisation.raw`: right up to a factor for each block, that of trainables which have left their start. */
  inverse(weight: tf.Tensor2D): tf.Tensor2D;
  /** What to do where there is no way back: the end of the error. */
  readonly wayOut: string;
}

/**
 * A raw weight whose effective weight is `weight`. The parameterisation's own way back is tried first, then with the
 * factor taken out that each block comes out wrong by; what it comes to is checked.
 *
 * @throws Error where the mask prunes what is not zero, or there is no way back
 */
export function rawOf(
  name: string,
  weight: tf.Tensor2D,
  grid: BlockGrid,
  { effective, inverse, wayOut }: Coordinates,
): tf.Tensor2D {
  const first = inverse(weight);
  const factor = blockFactor(effective(first), weight, grid);
  const raw = inverse(scaleBlocks(weight, factor.reciprocal(), grid));
  const reached = effective(raw);
  const [off, largest, pruned] = tf
    .stack([
      reached.sub(weight).abs().max(),
      weight.abs().max(),
      // What is not zero where the network computes with zeros whatever is trained.
      weight
        .abs()
        .mul(effective(tf.onesLike(weight)).equal(0))
        .max(),
    ])
    .dataSync<'float32'>() as Float32Array & [number, number, number];
  if (off <= TOLERANCE * largest) return raw;
  throw new Error(
    pruned > 0
      ? `${name} cannot be set to these weights: they are not zero in blocks that are pruned now. ${wayOut}`
      : `${name} cannot be set to these weights: nothing that its strategy trains comes to them (the nearest is ` +
          `${off.toPrecision(3)} off, of at most ${largest.toPrecision(3)}). ${wayOut}`,
  );
}

/** By what each block of `reached` is that of `weight` multiplied; 1 where there is nothing to divide by. */
function blockFactor(reached: tf.Tensor2D, weight: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  const of = blockDot(reached, weight, grid);
  const by = blockDot(weight, weight, grid);
  const known = of.notEqual(0).logicalAnd(by.notEqual(0));
  return tf.where<tf.Tensor2D>(
    known,
    of.div<tf.Tensor2D>(tf.where(known, by, tf.onesLike(by))),
    tf.onesLike(by),
  );
}
