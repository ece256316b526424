/**
 * A comparison in this process: every strategy from the same weights, on the same batches, with no command and no files.
 *
 *     node examples/comparison-from-a-script.js
 */
import '@espalier/wasm-training';
import { compare, reports, trialLabel } from '@espalier/experiment';
import { magnitude } from '@espalier/magnitude';
import { random } from '@espalier/random';
import digits from '@espalier/workloads/digits-mlp';
import * as tf from '@tensorflow/tfjs';

await tf.setBackend('wasm');
const summary = await compare({
  workload: digits,
  pruners: [magnitude(), random()],
  sparsities: [0.75],
  seeds: [0, 1],
  epochs: 4,
  watcher: { ended: (trial, { status }) => console.error(`${trialLabel(trial)}: ${status}`) },
});
console.log(reports.markdown(summary));
