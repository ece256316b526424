/** What strategies draw by lot: no matter of a paper, so that it is given to the reference as the first weights are. */
import { deriveSeed, randomNumbers } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import type { Draws } from '../src/run.js';

/** The seed of the run that a target has by default, and the draw that strategies have. */
const RUN = 0;
const DRAW = 0;

export const draws: Draws = {
  lots: (kernel, blocks, ...purpose) =>
    Array.from(randomNumbers(blocks, deriveSeed(deriveSeed(RUN, kernel), DRAW, ...purpose))),
  logits: (kernel, { rows, columns }, selected) =>
    tf.tidy(() => {
      const seed = deriveSeed(deriveSeed(RUN, kernel), DRAW, selected);
      return Array.from(tf.randomNormal([rows, columns], 0, 1e-5, 'float32', seed).dataSync());
    }),
};
