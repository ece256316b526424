// How long a training step takes: dense, under a strategy phase by phase, and in PyTorch.

import * as blockSparse from '@espalier/block-sparse';
import { sparsify } from '@espalier/core';
import { sgd } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';

import { burstMs, takeTurns, timesFor } from './gpu-timing.mjs';

const SPARSITY = 0.9;
const SEED = 1;

/** The variables of one network in training, on the device, with the batch that it is shown again and again. */
class Training {
  constructor(workload) {
    const { batch, inputShape, classes } = workload;
    this.model = workload.model(SEED);
    this.optimizer = sgd({ learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4 });
    this.inputs = tf.randomNormal([batch, ...inputShape], 0, 1, 'float32', SEED);
    this.labels = tf.tidy(() =>
      tf.oneHot(tf.randomUniform([batch], 0, classes, 'int32', SEED).toInt(), classes),
    );
    this.pruning = null;
  }

  async prune(pruner, settings) {
    this.pruning = await sparsify(this.model, pruner, { ...settings, optimizer: this.optimizer });
  }

  /** One step; nothing is read back but what a new mask needs. */
  step = async () => {
    this.optimizer.minimize(
      () => tf.losses.softmaxCrossEntropy(this.labels, this.model.apply(this.inputs, { training: true })),
      false,
      this.model.trainableWeights.map((weight) => weight.read()),
    );
    await this.pruning?.step();
  };

  /** Passes over steps, untrained, until a phase begins; false when there is none of that name. */
  async skipTo(phase, totalSteps) {
    while (this.pruning.phase !== phase) {
      if (this.pruning.stepsDone === totalSteps) return false;
      await this.pruning.step();
    }
    return true;
  }

  dispose() {
    this.pruning?.abandon();
    tf.dispose([this.inputs, this.labels]);
    this.model.dispose();
    this.optimizer.dispose();
  }
}

/**
 * @param torch the PyTorch on the same card, or null
 * @param keep is given a row for the dense network, for PyTorch's, and for each phase of each strategy, as soon as it
 *   is measured: `ratio` is to dense
 */
export async function measureSteps(workload, pruners, plan, { finished, torch, log, keep }) {
  const dense = new Training(workload);
  const times = await timesFor(dense.step, plan.burstMs, finished);
  const denseBurst = () => burstMs(dense.step, times, finished);
  const row = (strategy, phase, execution, { ms, ratio }, share = null) => ({
    ...{ workload: workload.name, batch: workload.batch, strategy, phase, execution, share },
    ...{ stepMs: ms, ratio, imagesPerSecond: (1000 * workload.batch) / ms.median },
  });

  const withoutPeer = (error) => log(`${workload.name}: ${error.message}`);
  const peer = torch && (await torch.prepare(workload, plan.burstMs).catch(withoutPeer));
  const sides = peer ? [denseBurst, peer] : [denseBurst];
  const [ours, theirs] = await takeTurns(sides, plan.rounds);
  keep(row('dense', 'dense', 'dense', ours));
  if (theirs) keep(row('PyTorch, dense', 'dense', 'dense', theirs));
  log(`${workload.name} dense`);

  const under = pruners.filter(({ name }) => workload.strategies?.includes(name) ?? true);
  for (const pruner of under) {
    for (const { phase, share, execution, sparsePhases } of measured(pruner)) {
      const training = new Training(workload);
      const { totalSteps, minimumBlocks } = plan;
      const target = { sparsity: SPARSITY, blockShape: workload.blockShape, totalSteps, minimumBlocks };
      await training.prune(pruner, { ...target, sparsePhases });
      if (await training.skipTo(phase, totalSteps)) {
        await burstMs(training.step, 2, finished);
        const prunedBurst = () => burstMs(training.step, times, finished);
        const [, pruned] = await takeTurns([denseBurst, prunedBurst], plan.rounds);
        keep(row(pruner.name, phase, execution, pruned, share));
      }
      training.dispose();
      log(`${workload.name} ${pruner.name}, ${phase}, ${execution}`);
    }
  }
  dense.dispose();
}

/** The phases of a strategy, each with its share of training; those with pruned blocks in both executions. */
function measured({ search }) {
  const shares = new Map();
  const length = search.phases.reduce((sum, phase) => sum + phase.length, 0);
  for (const phase of search.phases) {
    shares.set(phase.name, (shares.get(phase.name) ?? 0) + phase.length / length);
  }
  return [...shares].flatMap(([phase, share]) => [
    { phase, share, execution: 'masked', sparsePhases: null },
    ...(phase === 'dense'
      ? []
      : [
          {
            phase,
            share,
            execution: 'block-sparse',
            sparsePhases: blockSparse.sparsePhases({ costs: 'always' }),
          },
        ]),
  ]);
}
