/** The checks as vitest tests: one call in a test file. */
import {
  anObject,
  assertArgument,
  assertKnownOptions,
  assertOptions,
  aText,
  wholeNumber,
} from '@espalier/core';
import { describe, it } from 'vitest';

import { checkAllocation } from './allocation.js';
import type { Check, ConformanceOptions, MakePruner } from './conformance.js';
import { checkEffectiveStart } from './effective-start.js';
import { checkElementwise } from './elementwise.js';
import {
  checkEarlyEnd,
  checkFinalBlocks,
  checkFinalize,
  checkOneBlock,
  checkRaggedEdges,
  checkSparsityZero,
} from './final-blocks.js';
import { checkFitAndLoop } from './fit-and-loop.js';
import { checkGradients } from './gradients.js';
import { checkLayerKind, layerKinds } from './layer-kinds.js';
import { checkLearningRates } from './learning-rates.js';
import { checkMetadata } from './metadata.js';
import { checkModelWeights } from './model-weights.js';
import { checkOnePass } from './one-pass.js';
import { checkPhases } from './phases.js';
import { checkDeterminism, checkIndependence } from './repeatability.js';
import { checkResume } from './resume.js';
import { checkSeeds } from './seeds.js';
import { checkTensors } from './tensors.js';
import { aBackend, aMaker } from './workbench.js';

/** Far more than a check takes, for machines with much else to do. */
const TIMEOUT_MS = 120_000;

/** Each check with the behaviour that it looks for. */
const behaviours = {
  metadata: ['says what it is: name, description, source, and settings that are plain data', checkMetadata],
  effectiveStart: ['begins with the weights that the model had', checkEffectiveStart],
  elementwise: ['makes each weight of one raw weight alone, as sparse phases ask', checkElementwise],
  onePass: ['comes to the same in one pass as by its definitions', checkOnePass],
  gradients: ['passes the right gradients to everything that trains', checkGradients],
  learningRates: ['has a learning rate, where it has one of its own, at every step', checkLearningRates],
  phases: ['keeps, at every step, the blocks that its phase allows', checkPhases],
  finalBlocks: [
    'ends with exactly k blocks in each layer, or says that its sparsity is learned',
    checkFinalBlocks,
  ],
  allocation: ['shares its blocks over the layers as the target says, or else it itself', checkAllocation],
  finalize: ['computes after finalize with what it computed with before', checkFinalize],
  earlyEnd: ['keeps k blocks also where training ends early', checkEarlyEnd],
  sparsityZero: ['prunes nothing at sparsity 0', checkSparsityZero],
  oneBlock: ['comes down to one block', checkOneBlock],
  raggedEdges: ['cuts kernels that its blocks do not divide', checkRaggedEdges],
  tensors: ['leaks no tensor, at any step or at the end', checkTensors],
  determinism: ['does the same twice, to the last bit', checkDeterminism],
  seeds: ['draws what it leaves to chance from the seed of the run', checkSeeds],
  independence: ['keeps no state outside of its runs', checkIndependence],
  resume: ['goes on after an interruption in any phase as if there had been none', checkResume],
  modelWeights: ['shows, saves and takes the weights that the network computes with', checkModelWeights],
  fitAndLoop: ['trains alike under model.fit and in a hand-written loop', checkFitAndLoop],
} as const satisfies { [check: string]: readonly [behaviour: string, check: Check] };

export type CheckName = keyof typeof behaviours;

export interface DescribeOptions extends ConformanceOptions {
  /**
   * The promises that the method, by its nature, does not keep, each with the reason. They are tested to be broken:
   * an exception that is no longer needed fails.
   */
  readonly exceptions?: Readonly<Partial<Record<CheckName, string>>>;
}

/**
 * Tests, in a vitest file, that a strategy keeps all that the `Pruner` interface promises.
 *
 * @param name what to call the strategy in the test report
 * @param makePruner makes the strategy; called anew for each run
 */
export function describePruner(name: string, makePruner: MakePruner, described: DescribeOptions = {}): void {
  const of = 'describePruner()';
  assertArgument(of, 'name', name, aText('a name for the test report'));
  assertArgument(of, 'makePruner', makePruner, aMaker);
  assertOptions(of, described, {
    totalSteps: wholeNumber(),
    backend: aBackend,
    exceptions: anObject('reasons by the names of checks'),
  });
  const { exceptions = {}, ...options } = described;
  assertKnownOptions(exceptions, Object.keys(behaviours), `${of}: exceptions`);
  describe(`${name} is a strategy that`, () => {
    for (const [check, [behaviour, run]] of Object.entries(behaviours)) {
      const reason = exceptions[check as CheckName];
      if (reason === undefined) it(behaviour, () => run(makePruner, options), TIMEOUT_MS);
      else it.fails(`(not: ${reason}) ${behaviour}`, () => run(makePruner, options), TIMEOUT_MS);
    }
    it.each(layerKinds)(
      'prunes a layer of kind %s',
      (kind) => checkLayerKind(kind)(makePruner, options),
      TIMEOUT_MS,
    );
  });
}
