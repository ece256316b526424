/** Runs trials here, one after another, on a backend that was started and handed over: in a page, a script, a test. */
import { measureCosts } from '@espalier/block-sparse';
import { aFunction, assertOptions, required, wholeNumber } from '@espalier/core';

import { aBackend, accelerators as acceleratorList, aPeriod } from '../arguments.js';
import type { StartedBackend } from '../backend.js';
import { messageOf } from '../errors.js';
import { measureSteps } from '../measure-steps.js';
import { LeaseLost } from '../store/trouble.js';
import { trialName } from '../trial/identity.js';
import { train } from '../trial/train.js';
import type { Reading } from '../trial/loop.js';
import type { Code, Trial, UsedAccelerator } from '../trial/trial.js';
import type { Executor } from './executor.js';

export interface InPlaceOptions {
  /** Started, and tfjs' current one. */
  readonly backend: StartedBackend;
  /** What was attached to it that multiplies faster. */
  readonly accelerators?: readonly UsedAccelerator[];
  readonly threads?: number;
  readonly checkpointEveryMs?: number;
  /** What trains and measures, by its contents; in Node, `codeOf` of `@espalier/experiment/node` finds it. */
  readonly code?: Code | null;
  /**
   * Is shown, and waited for, every few steps, where a trial stands: its losses since the last time, and, when they are
   * asked for, the masks and the attention of its kernels. No bit of a result depends on it.
   */
  readonly onReading?: (trial: Trial, reading: Reading) => void | Promise<void>;
}

/** @throws TypeError or RangeError for an option that there is not, or is not what it is to be */
export function inPlace(options: InPlaceOptions): Executor {
  assertOptions('inPlace()', options, {
    backend: required(aBackend),
    accelerators: acceleratorList,
    threads: wholeNumber(),
    checkpointEveryMs: aPeriod,
    code: {
      type: 'object',
      holds: (value) => typeof value === 'object' && !Array.isArray(value),
      words: 'what codeOf() of @espalier/experiment/node resolves to, or null',
    },
    onReading: aFunction('a function of a trial and where it stands'),
  });
  const { backend, accelerators = [], threads = 1, checkpointEveryMs, code = null, onReading } = options;
  const { name, device, kind, choice } = backend;
  return {
    backend: { name, device, kind, choice },
    accelerators,
    ...{ threads, code },
    jobs: 1,
    startHere: async () => {},
    async measureCosts(blockShapes) {
      const costs = [];
      for (const blockShape of blockShapes) {
        const { perKeptWeight, perStep } = await measureCosts(blockShape);
        costs.push({ blockShape, perKeptWeight: perKeptWeight(blockShape), perStep });
      }
      return costs;
    },
    measureSteps: ({ trial, workload, pruner }, { dataFolder }) =>
      measureSteps(trial, workload, pruner, { backend, dataFolder, startedAt: performance.now() }),
    async run(
      { trial, workload, pruner },
      { store, lease, dataFolder, saveModels = false, mixed = false, ...running },
    ) {
      const { onProgress, onNote, signal } = running;
      const place = store.trial(trialName(trial), lease);
      try {
        await place.begin(trial);
        const result = await train(trial, workload, pruner, {
          ...{ backend, store: place, dataFolder, saveModels, mixed, onProgress, onNote, signal, pause },
          ...(checkpointEveryMs !== undefined && { checkpointEveryMs }),
          ...(onReading && { onReading: (reading) => onReading(trial, reading) }),
        });
        signal.throwIfAborted();
        return await place.publish(result);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof LeaseLost) throw error;
        return { status: 'failed', message: messageOf(error) };
      }
    },
  };
}

/** To the event loop: a page draws, and answers. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
