/**
 * Sequential Attention: forward selection in rounds, by a softmax over the blocks that are not selected yet.
 * Yasuda, Bateni, Chen, Fahrbach, Fu, Mirrokni 2023, arXiv 2209.14881 (Algorithm 1); blocks in place of features.
 */
import {
  assertSeed,
  between,
  deriveSeed,
  forwardSelection,
  tunable,
  type Importance,
  type Parameterisation,
  type Pruner,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

export interface SequentialAttentionSettings {
  /** Share of training before the first round, all masks at 1; from 0. */
  warmUp?: number;
  /** In how many rounds the blocks are selected, at least 1. */
  rounds?: number;
  /** Share of training at the end in which the selected blocks train alone, above 0. */
  fineTuning?: number;
  /** The softmax temperature τ, above 0. */
  temperature?: number;
  /** Other logits at each round for the same seed of the run, a whole number from 0. */
  seed?: number;
}

/** The spread that the logits are drawn with (the authors' code). */
const SIGMA = 1e-5;

/** More than any logit: `e^−1e4` is 0 in single precision. */
const FAR = 1e4;

export function sequentialAttention({
  warmUp = 0.1,
  rounds = 10,
  fineTuning = 0.25,
  temperature = 1,
  seed = 0,
}: SequentialAttentionSettings = {}): Pruner {
  assertSeed(seed);
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new RangeError(`temperature = ${temperature} is not a finite number above 0`);
  }
  return {
    name: 'sequential-attention',
    description: 'Forward selection in rounds, by softmax attention over what is not selected yet',
    source: 'Yasuda et al. 2023, arXiv 2209.14881',
    settings: { warmUp, rounds, fineTuning, temperature, seed },
    parameterisation: candidateAttention(temperature, seed),
    importance: attentionOfCandidates,
    search: forwardSelection({ warmUp, rounds, fineTuning, joinBy: 'importance' }),
  };
}

/** `A_b = 1` for `b ∈ S`, else `|C| · softmax_{c ∈ C}(L_c / τ)_b` over the candidates `C` outside `S`: mean 1. */
function candidateAttention(temperature: number, draw: number): Parameterisation {
  return {
    name: 'attention over candidates',
    needsActive: true,
    trainables: ({ grid }) => ({ logits: tf.zeros([...grid.gridShape]) }),
    // All of them until the first round: the warm-up, in which the logits have no gradient.
    buffers: ({ grid }) => ({ selected: tf.ones([...grid.gridShape]) }),
    blockScale: (_raw, { logits }, { buffers: { selected } }) => {
      const candidates = tf.sub(1, selected as tf.Tensor2D);
      const outside = (logits as tf.Tensor2D).div(temperature).sub((selected as tf.Tensor2D).mul(FAR));
      const softmax = outside.flatten().softmax().reshape(outside.shape);
      return softmax
        .mul(candidates)
        .mul(candidates.sum())
        .add<tf.Tensor2D>(selected as tf.Tensor2D);
    },
    afterChoice: ({ trainables: { logits }, buffers: { selected }, chosen, seed, grid }) => {
      const round = chosen.reduce((sum, bit) => sum + bit, 0);
      const drawn = tf.randomNormal([...grid.gridShape], 0, SIGMA, 'float32', deriveSeed(seed, draw, round));
      logits?.assign(drawn);
      selected?.assign(tf.tensor2d(Float32Array.from(chosen), [...grid.gridShape]));
    },
  };
}

/** The order of the attention among the candidates; what is selected already comes before them. */
const attentionOfCandidates: Importance = {
  name: 'attention weight among candidates',
  needs: ['logits', 'selected'],
  score: ({ trainables: { logits }, buffers: { selected } }) =>
    (logits as tf.Tensor2D).add<tf.Tensor2D>((selected as tf.Tensor2D).mul(FAR)),
};

export default tunable(sequentialAttention, {
  warmUp: between(0, 0.3),
  rounds: between(2, 20, { logarithmic: true, whole: true }),
  fineTuning: between(0.15, 0.6),
  temperature: between(0.1, 2, { logarithmic: true }),
});
