import type { QualityMeasure } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';

/**
 * The area under the ROC curve: how often, of a yes and a no among the test examples, the yes has the higher logit,
 * pairs of one logit counting half (Hanley & McNeil 1982). It is exact: all logits are kept, four bytes each, and sorted
 * once. Null where all labels are alike, or a logit is no number.
 */
const auc: QualityMeasure = {
  key: 'auc',
  title: 'AUC',
  format: { digits: 4 },
  better: 'higher',
  place: 12,
  importance: 17,
  spread: true,
  tasks: ['binary-classification'],
  accumulator() {
    const [ofNo, ofYes]: [Float32Array[], Float32Array[]] = [[], []];
    return {
      ofBatch: (outputs, targets) => tf.concat([outputs.flatten(), targets.flatten().toFloat()]),
      add(values) {
        const count = values.length / 2;
        const labels = values.subarray(count);
        ofNo.push(values.slice(0, count).filter((_, i) => labels[i] === 0));
        ofYes.push(values.slice(0, count).filter((_, i) => labels[i] === 1));
      },
      value: () => areaUnderCurve(joined(ofNo).sort(), joined(ofYes).sort()),
    };
  },
};

/** @param no, yes ascending, as typed arrays sort: what is no number is last */
function areaUnderCurve(no: Float32Array, yes: Float32Array): number | null {
  const isWhole = [no, yes].every((logits) => logits.length > 0 && !Number.isNaN(logits.at(-1)));
  if (!isWhole) return null;
  // Of each yes, how many of the no are below it, and how many not above. Whole and half numbers: no rounding.
  let [below, notAbove, sum] = [0, 0, 0];
  for (const logit of yes) {
    while (below < no.length && (no[below] as number) < logit) below += 1;
    while (notAbove < no.length && (no[notAbove] as number) <= logit) notAbove += 1;
    sum += (below + notAbove) / 2;
  }
  return sum / no.length / yes.length;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export default auc;
