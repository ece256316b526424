/** Every strategy keeps what the interface promises on the native TensorFlow backend, too; all of them in `check:long`. */
import { BackendError, startBackend } from '@espalier/backend';
import { describePruner, type DescribeOptions } from '@espalier/pruner-conformance';
import { describe } from 'vitest';

import { isLong } from '../test/command.js';
import { isOfEachKind, shortStrategies } from './test-strategies.js';

// On one thread, as sums of several need not be the same to the bit.
const tensorflow = await startBackend('tensorflow', { threads: 1 }).catch((error: unknown) => {
  if (error instanceof BackendError) return error;
  throw error;
});
const absent = tensorflow instanceof BackendError;
const where = absent ? `skipped: ${tensorflow.message}` : tensorflow.device;

const faint = { effectiveStart: 'it starts with an empty support, every block faint' };
const EXCEPTIONS: Readonly<Record<string, DescribeOptions['exceptions']>> = { omp: faint, ompr: faint };

const strategies = (await shortStrategies()).filter(
  ({ reference }) => isLong || isOfEachKind(reference.name),
);

describe.skipIf(absent)(`on ${where}`, () => {
  for (const { reference, make } of strategies) {
    const exceptions = EXCEPTIONS[reference.name];
    describePruner(reference.name, make, { backend: 'tensorflow', ...(exceptions && { exceptions }) });
  }
});
