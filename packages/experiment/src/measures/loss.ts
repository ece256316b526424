import { lossFormat, type QualityMeasure } from '@espalier/workloads';

/** The task's loss, mean over the test examples. A run in which it is not finite has diverged. */
const loss: QualityMeasure = {
  key: 'loss',
  title: 'loss',
  format: lossFormat,
  better: 'lower',
  place: 20,
  importance: 16,
  spread: true,
  difference: true,
  accumulator(lossOf) {
    let sum = 0;
    return {
      ofBatch: (outputs, targets) => lossOf(outputs, targets).mul(targets.shape[0] as number),
      add: ([ofBatch]) => (sum += ofBatch as number),
      value: (examples) => sum / examples,
    };
  },
};

export default loss;
