import { milliseconds } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Median wall time of predicting one batch of the training's size. */
const predictMs: RunMeasure = {
  key: 'predictMs',
  title: 'predict, ms',
  format: milliseconds,
  better: 'lower',
  place: 70,
  importance: 10,
  at: 'timing.predictMs',
  measure: (run) => run.predictMs(run.model),
};

export default predictMs;
