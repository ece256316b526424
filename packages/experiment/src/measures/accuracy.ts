import { percent, type QualityMeasure } from '@espalier/workloads';

/** Share of the test examples whose own class has the highest logit. */
const accuracy: QualityMeasure = {
  key: 'accuracy',
  title: 'accuracy',
  format: percent,
  better: 'higher',
  place: 10,
  spread: true,
  tasks: ['classification'],
  accumulator() {
    let correct = 0;
    return {
      ofBatch: (outputs, targets) => outputs.argMax(-1).equal(targets).sum().toFloat(),
      add: ([hits]) => (correct += hits as number),
      value: (examples) => correct / examples,
    };
  },
};

export default accuracy;
