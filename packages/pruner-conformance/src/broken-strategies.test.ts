/** That the suite has teeth: each broken strategy is found out by the check it is for, in words that tell what is wrong. */
import {
  alternatingWithSparsification,
  attention,
  blockNorms,
  blocksToKeep,
  erdosRenyiKernel,
  frobenius,
  identity,
  inOnePass,
  oneShot,
  scaleBlocks,
  softmaxAttention,
  topK,
  type Importance,
  type Parameterisation,
  type Phase,
  type Pruner,
  type Search,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import {
  checkAllocation,
  checkDeterminism,
  checkEarlyEnd,
  checkEffectiveStart,
  checkElementwise,
  checkFinalBlocks,
  checkFinalize,
  checkFitAndLoop,
  checkGradients,
  checkIndependence,
  checkLayerKind,
  checkLearningRates,
  checkMetadata,
  checkModelWeights,
  checkOneBlock,
  checkOnePass,
  checkPhases,
  checkRaggedEdges,
  checkResume,
  checkSparsityZero,
  checkTensors,
  ConformanceError,
  describePruner,
  type MakePruner,
} from './index.js';

/** Three kinds of phases and a trainable, in few steps. */
const plan = { warmUp: 0.2, cycles: 2, lastCycleExtension: 0, fineTuning: 0.2 };

const sound: Pruner = {
  name: 'sound',
  description: 'Attention scores the blocks; dense, sparsification and sparse phases in turn',
  source: 'core alone',
  settings: { plan },
  parameterisation: softmaxAttention(),
  importance: attention(),
  search: alternatingWithSparsification(plan),
};

describePruner('a sound strategy', () => ({ ...sound }));

/** The sound strategy with a part replaced. */
const but = (changed: Partial<Pruner>): Pruner => ({ ...sound, ...changed });

/** By magnitude, under a search whose phases are changed. */
const byMagnitude = (
  phases: (phase: Phase) => Phase = (phase) => phase,
  search: Partial<Search> = {},
): Pruner =>
  but({
    parameterisation: identity,
    importance: frobenius,
    search: { ...sound.search, phases: sound.search.phases.map(phases), ...search },
  });

const scoredBy = (score: Importance['score'], usesGradient = false) =>
  but({ importance: { name: 'own', score, usesGradient } });

const withWeights = (parameterisation: Omit<Parameterisation, 'name'>) =>
  but({ importance: frobenius, parameterisation: { name: 'own', ...parameterisation } });

/** The same value, and another derivative. */
const wrongGradient = (factor: number) =>
  tf.customGrad((x) => ({
    value: (x as tf.Tensor).clone(),
    gradFunc: (dy: tf.Tensor) => dy.mul(factor),
  })) as (x: tf.Tensor) => tf.Tensor2D;

describe('a strategy with a learning rate of its own', () => {
  const withRate = (rate: (step: number, totalSteps: number) => number) => () =>
    but({
      parameterisation: {
        ...softmaxAttention(),
        learningRates: { logits: (_, step, totalSteps) => rate(step, totalSteps) },
      },
    });

  it('that is none at a step, or never one to train by, is told', async () => {
    await expect(checkLearningRates(withRate((step) => 0.1 / (step - 3)))).rejects.toThrow(
      'The learning rate of the logits of first/kernel is -0.03333333333333333 at step 0 of 24, not a number in [0, ∞)',
    );
    await expect(checkLearningRates(withRate((step, total) => Math.sqrt(total - 1 - step)))).rejects.toThrow(
      'is NaN at step 24 of 24',
    );
    await expect(checkLearningRates(withRate(() => 0))).rejects.toThrow(
      'is 0 at every step: it does not train',
    );
  });
});

describe('a strategy that leaks', () => {
  it('a tensor in each step is told in which step', async () => {
    const leaky: MakePruner = () => withWeights({ elementwise: (raw) => tf.keep(raw.clone()).mul(1) });
    await expect(checkTensors(leaky)).rejects.toThrow(
      /^Step 1 leaves \d tensors too many: wrap what makes tensors in tf.tidy$/,
    );
  });

  it('a tensor at a choice is found out too', async () => {
    const leaky: MakePruner = () =>
      scoredBy(({ effective, grid }) => tf.keep(blockNorms(effective(), grid)).clone());
    await expect(checkTensors(leaky)).rejects.toThrow('tensors too many');
  });

  it('into the mask that it is given is not believed what the mask counts', async () => {
    const leaky: MakePruner = () =>
      withWeights({
        elementwise: inOnePass(
          (raw) => raw.mul(1),
          (raw, _trainables, { grid }, mask) => {
            const { pattern } = mask;
            mask.results.push({ tensor: tf.keep(raw.clone()), pattern });
            return scaleBlocks(raw, mask.tensor, grid);
          },
        ),
      });
    await expect(checkTensors(leaky)).rejects.toThrow(
      /^After step 1 the mask of first\/kernel has 2 tensors, not 1 at most: a strategy keeps nothing in/,
    );
  });

  it('what it makes on the way to its trainables is told at the start', async () => {
    const leaky: MakePruner = () =>
      withWeights({
        ...softmaxAttention(),
        trainables: ({ grid }) => ({ logits: tf.keep(tf.ones([...grid.gridShape])).sub(1) }),
      });
    await expect(checkTensors(leaky)).rejects.toThrow(/^sparsify\(\) leaves \d tensors too many/);
  });
});

describe('a strategy that does not repeat itself', () => {
  it('because it scores by chance is told the step and the kernel', async () => {
    const random: MakePruner = () => scoredBy(({ grid }) => tf.randomUniform([...grid.gridShape]));
    await expect(checkDeterminism(random)).rejects.toThrow(
      /^Two runs of the same settings differ: after step \d+ the masks of (first|second)\/kernel are [01]+ and [01]+\. Draw chance from the seed/,
    );
  });

  it('because it counts its runs differs between model.fit and a loop as well', async () => {
    let made = 0;
    const counting: MakePruner = () => {
      const sign = ++made % 2 ? 1 : -1;
      return scoredBy((kernel) => frobenius.score(kernel).mul(sign));
    };
    await expect(checkDeterminism(counting)).rejects.toThrow('Two runs of the same settings differ');
    made = 1;
    await expect(checkFitAndLoop(counting)).rejects.toThrow(
      'model.fit and a loop of trainOnBatch and step() do not come to the same',
    );
  });
});

describe('a strategy with a state of its own', () => {
  /** Scores by what it saw at its last choice of any kernel. */
  const remembering: MakePruner = () => {
    let last = 0;
    return scoredBy((kernel) => {
      const norms = frobenius.score(kernel);
      const scores = norms.sub(last).abs() as tf.Tensor2D;
      last = norms.mean().dataSync()[0] as number;
      return scores;
    });
  };

  it('is disturbed by another run beside it', async () => {
    await expect(checkIndependence(remembering)).rejects.toThrow(
      /^A run is not the same beside another of the same strategy value as alone: .* The strategy keeps hidden state/,
    );
  });

  it('does not go on after an interruption as it would have, and is told in which phase', async () => {
    await expect(checkResume(remembering)).rejects.toThrow(
      /^A run resumed at step \d+ of \d+, in the phase '[a-z]+', does not go on .* trainables or buffers, which are saved$/,
    );
  });

  it('in its own value is told that it is immutable', async () => {
    const counting: MakePruner = () => {
      const settings = { choices: 0 };
      const importance: Importance = {
        name: 'counting',
        score: (kernel) => {
          settings.choices += 1;
          return frobenius.score(kernel);
        },
      };
      return but({ settings, importance });
    };
    await expect(checkIndependence(counting)).rejects.toThrow('a Pruner is immutable');
  });
});

describe('a parameterisation', () => {
  it('whose effective weight starts elsewhere is told both numbers', async () => {
    const elsewhere: MakePruner = () => withWeights({ elementwise: (raw) => raw.mul(raw.abs()) });
    await expect(checkEffectiveStart(elsewhere)).rejects.toThrow(
      /^The effective weights of first\/kernel do not start as the plain ones: number 0 is \S+, not \S+\. Give the parameterisation a raw\(\)/,
    );
  });

  it('that finds its way back from where it started alone is told which step', async () => {
    const shift: MakePruner = () =>
      withWeights({
        trainables: () => ({ shift: tf.scalar(0) }),
        elementwise: (raw, { shift }) => raw.add(shift!),
      });
    await expect(checkModelWeights(shift)).rejects.toThrow(
      /^The weights that are read after step \d+ cannot be set again \(first\/kernel .*Give the parameterisation a raw\(\)/,
    );
    const found: MakePruner = () =>
      withWeights({
        trainables: () => ({ shift: tf.scalar(0) }),
        elementwise: (raw, { shift }) => raw.add(shift!),
        raw: (weight, _kernel, { shift }) => weight.sub(shift!),
      });
    await checkModelWeights(found);
  });

  it('that makes a weight of its neighbours is told both numbers', async () => {
    const relative: MakePruner = () => withWeights({ elementwise: (raw) => raw.div(raw.abs().max()) });
    await expect(checkElementwise(relative)).rejects.toThrow(
      /^elementwise makes \S+ of a weight of first\/kernel when it is given some of the weights, and \S+ when/,
    );
  });

  it('whose op is not what the definition beside it says is told both numbers', async () => {
    const other: MakePruner = () =>
      withWeights({
        elementwise: inOnePass(
          (raw) => raw.mul(2),
          (raw, _trainables, { grid }, mask) => scaleBlocks(raw.mul(3), mask.tensor, grid),
        ),
      });
    await expect(checkOnePass(other)).rejects.toThrow(
      /^In step 1 the op of inOnePass\(\) makes \S+ of number 0 of the effective weight of first\/kernel, and the definition beside it \S+: they/,
    );
  });

  it.each([2, 1.05])('whose gradient is %s times the right one is told both numbers', async (factor) => {
    const wrong: MakePruner = () => withWeights({ elementwise: (raw) => wrongGradient(factor)(raw) });
    await expect(checkGradients(wrong)).rejects.toThrow(
      /^The gradient by the raw weight in step 1 is wrong: its number 0 is \S+, by finite differences \S+$/,
    );
  });

  it('whose trainable gets a wrong gradient is told its name', async () => {
    const attended = softmaxAttention();
    const wrong: MakePruner = () =>
      withWeights({
        ...attended,
        blockScale: (raw, { logits }, kernel) =>
          attended.blockScale?.(
            raw,
            { logits: wrongGradient(-1)(logits as tf.Tensor) },
            kernel,
          ) as tf.Tensor2D,
      });
    await expect(checkGradients(wrong)).rejects.toThrow('The gradient by logits in step 1 is wrong');
  });

  it('that cuts a trainable off is told its name', async () => {
    const cut: MakePruner = () =>
      withWeights({ trainables: ({ grid }) => ({ scale: tf.ones([...grid.gridShape]) }) });
    await expect(checkGradients(cut)).rejects.toThrow('No gradient reaches scale');
  });

  it('whose trainable has no gradient in any phase is told so', async () => {
    const still: MakePruner = () =>
      withWeights({
        trainables: ({ grid }) => ({ scale: tf.zeros([...grid.gridShape]) }),
        blockScale: (_raw, { scale }) => (scale as tf.Tensor2D).mul(0).add<tf.Tensor2D>(1),
      });
    await expect(checkGradients(still)).rejects.toThrow(
      'The gradient of scale is zero in every phase: it never trains',
    );
  });

  it('that stops the gradient of a layer is told the layer', async () => {
    const stopped: MakePruner = () => withWeights({ elementwise: (raw) => wrongGradient(0)(raw) });
    await expect(checkLayerKind('dense')(stopped)).rejects.toThrow(
      'subject/kernel of a dense layer does not train',
    );
    await expect(checkGradients(stopped)).rejects.toThrow(
      'The gradient by the raw weight in step 1 is wrong',
    );
  });

  it('that is not the same each time it is asked is told what finalize changes', async () => {
    const drifting: MakePruner = () => {
      let asked = 0;
      return withWeights({ elementwise: (raw) => raw.mul(1 + ++asked / 1000) });
    };
    await expect(checkFinalize(drifting)).rejects.toThrow(
      /^finalize\(\) changes what first\/kernel computes with: number \d+ was \S+ and is \S+$/,
    );
  });

  it('that is not finite where one block is left is found out there', async () => {
    // 1 / log(k) with k = d · G: sound for two blocks and more.
    const fragile: MakePruner = () =>
      withWeights({
        proximal: (raw, { density, grid }) =>
          raw.mul(Math.max(1, Math.round(density * grid.blocks)) > 1 ? 1 : Number.NaN),
      });
    await checkFinalBlocks(fragile);
    await expect(checkOneBlock(fragile)).rejects.toThrow(/NaN|finite/);
  });
});

describe('a strategy that prunes a wrong count', () => {
  it('at the end, as its weights shrink to zero, is told k and what it left', async () => {
    const shrinking: MakePruner = () =>
      withWeights({ proximal: (raw) => raw.abs().sub(0.05).relu().mul(raw.sign()) });
    await expect(checkFinalBlocks(shrinking)).rejects.toThrow(
      /^first\/kernel ends with \d of 15 blocks at sparsity 0.75, where the target is k = 4\. .*final: 'learned'/,
    );
    await expect(checkSparsityZero(shrinking)).rejects.toThrow('of 15 blocks at sparsity 0');
  });

  it('may do so when it says that its sparsity is learned', async () => {
    const learned: MakePruner = () => ({
      ...withWeights({ proximal: (raw) => raw.abs().sub(0.05).relu().mul(raw.sign()) }),
      search: {
        ...oneShot(),
        phases: [sound.search.phases[0] as Phase].map((phase) => ({ ...phase, length: 1 })),
        final: 'learned',
      },
    });
    await checkFinalBlocks(learned);
    await checkEarlyEnd(learned);
    await checkSparsityZero(learned);
  });

  it('on the way is told the step, the phase and the limit', async () => {
    const greedy: MakePruner = () =>
      byMagnitude((phase) => ({ ...phase, choose: ({ chosen }) => new Uint8Array(chosen.length).fill(1) }));
    await expect(checkPhases(greedy)).rejects.toThrow(
      /^15 of 15 blocks of first\/kernel are chosen at step \d+, in phase 'sparsification', where its curve allows \d+$/,
    );
  });

  it('by a curve beyond the target is told its value', async () => {
    const beyond: MakePruner = () =>
      byMagnitude((phase) => ({ ...phase, curve: (t) => 1.2 * phase.curve(t) }));
    await expect(checkPhases(beyond)).rejects.toThrow(/^The curve gives 1\.\d+ at step \d+/);
  });

  it('with blocks that its phase does not offer is told which', async () => {
    const reviving: MakePruner = () =>
      byMagnitude((phase) => ({
        ...phase,
        choose: ({ keep, chosen, progress }) =>
          chosen.map((_, i) => ((i + Math.round(progress * 7)) % chosen.length < keep ? 1 : 0)),
      }));
    await expect(checkPhases(reviving)).rejects.toThrow(
      /^Block \d+ of first\/kernel comes back at step \d+, in phase/,
    );
  });
});

describe('a strategy that counts its blocks by itself', () => {
  it('is told how many the allocation of the target gives', async () => {
    const counting: MakePruner = () =>
      byMagnitude((phase) => ({
        ...phase,
        choose: ({ grid, scores, progress, candidates }) =>
          topK(scores, blocksToKeep(grid.blocks, 0.75 * phase.curve(progress)), candidates),
      }));
    await expect(checkAllocation(counting)).rejects.toThrow(
      /^second\/kernel ends with 3 of 12 blocks, where the lopsided allocation gives it 5\. A phase that chooses/,
    );
  });

  it('passes where it counts by what it is told, under an allocation of its own', async () => {
    await checkAllocation(() => but({ allocation: erdosRenyiKernel }));
  });
});

describe('a strategy that works in some places only', () => {
  it('is found out at ragged edges', async () => {
    const whole: MakePruner = () =>
      scoredBy(({ effective, grid: { gridShape, blockShape } }) =>
        effective().reshape([gridShape[0], blockShape[0], gridShape[1], blockShape[1]]).square().sum([1, 3]),
      );
    await expect(checkRaggedEdges(whole)).rejects.toThrow(/[Ss]ize/);
  });

  it('is found out where training ends before the first gradient', async () => {
    const eager: MakePruner = () =>
      scoredBy((kernel) => {
        const norms = blockNorms(kernel.gradient(), kernel.grid);
        return norms.sub(norms.min()).div(norms.max().sub(norms.min())) as tf.Tensor2D;
      }, true);
    await expect(checkEarlyEnd(eager)).rejects.toThrow('The importance score of block 0 is NaN');
  });
});

describe('a strategy that does not say what it is', () => {
  it.each([
    [{ name: 'My_Method' }, "The name 'My_Method' is not lower-case words joined by hyphens"],
    [{ description: 'two\nlines' }, 'The description "two\\nlines" is not one line of text'],
    [{ source: '' }, 'The source "" is not one line of text'],
    [{ settings: { curve: (t: number) => t } }, 'settings.curve is of type function, not plain JSON data'],
    [{ settings: { cycles: undefined } }, 'settings.cycles is of type undefined, not plain JSON data'],
    [
      { settings: { start: new Float32Array(1) } },
      'settings.start is an object of a class, not plain JSON data',
    ],
    [{ settings: { plan: { cycles: Number.NaN } } }, 'settings.plan.cycles = NaN has no form in JSON'],
    [{ importance: { ...frobenius, name: '' } }, 'The importance has no name'],
  ])('as with %j is told the field', async (changed, message) => {
    await expect(checkMetadata(() => but(changed as Partial<Pruner>))).rejects.toThrow(message);
    await expect(checkMetadata(() => but(changed as Partial<Pruner>))).rejects.toThrow(ConformanceError);
  });

  it('and whose settings change from one to the next is told both', async () => {
    let made = 0;
    await expect(checkMetadata(() => but({ settings: { made: ++made } }))).rejects.toThrow(
      'The settings are {"made":1} at first and {"made":2} the next time',
    );
  });
});

it('a check that fails leaves no variable behind, and no tensor but the rate of its optimiser', async () => {
  await tf.setBackend('cpu');
  const held = () => ({
    tensors: tf.memory().numTensors,
    variables: Object.keys(tf.engine().registeredVariables).length,
  });
  const { tensors, variables } = held();
  await expect(
    checkGradients(() => withWeights({ elementwise: (raw) => wrongGradient(2)(raw) })),
  ).rejects.toThrow();
  expect(held()).toEqual({ tensors: tensors + 1, variables });
});

describePruner('a strategy with an exception', () => withWeights({ elementwise: (raw) => raw.mul(0.5) }), {
  exceptions: { effectiveStart: 'it starts at half of the weights' },
});
