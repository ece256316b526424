/** Values and gradients of cpu and wasm against TensorFlow's. */
import { startBackend } from '@espalier/backend';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { forward } from '../known.js';
import { callsOf, differing, samplesOf, weightsFor } from '../sweep.js';
import type { SweptOp } from '../swept-op.js';
import { sweptOps } from '../table.js';
import { tfjsGradients } from '../tfjs-gradients.js';
import { askTensorflow, pythonWithTensorflow, type Call } from './libtensorflow.js';

const python = pythonWithTensorflow();
const where = python
  ? ''
  : ', skipped: there is no python3 with tensorflow (pip install tensorflow-cpu, $ESPALIER_PYTHON)';
const count = samplesOf({ samples: 5 });

/** Where TensorFlow has NaN, or another meaning: 0 to the 0, sums over nothing. */
const OTHERWISE = ['powOfConstant'];

interface Asked {
  readonly call: Call;
  readonly values: readonly number[];
  readonly gradients: readonly (readonly number[] | null)[];
}

/** What tfjs gives for the calls of an op, without those that it refuses: the sweep knows which. */
async function given(op: SweptOp): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (const { sample, random } of callsOf(op, count)) {
    const attempt = async (): Promise<Asked> => {
      const values = await forward(op, sample);
      const weights = weightsFor(values, random);
      const gradients = await tfjsGradients({ op, sample, weights });
      return { call: { name: op.name, ...sample, weights }, values, gradients };
    };
    const outcome = await attempt().catch(() => null);
    if (outcome) asked.push(outcome);
  }
  return asked;
}

describe.skipIf(!python)(`as TensorFlow has them${where}`, () => {
  it.each(['cpu', 'wasm'] as const)(
    'are the values and gradients of %s',
    async (backend) => {
      await startBackend('wasm');
      await tf.setBackend(backend);
      const asked: Asked[] = [];
      for (const op of sweptOps) if (!OTHERWISE.includes(op.name)) asked.push(...(await given(op)));
      const answers = await askTensorflow(
        python!,
        asked.map(({ call }) => call),
      );
      const compared = new Set<string>();
      const wrong = answers.flatMap((answer, i) => {
        const { call, values, gradients } = asked[i]!;
        if ('absent' in answer) return [];
        compared.add(call.name);
        const found = [
          differing('the value', values, answer.values, 2e-4),
          ...gradients.map((gradient, which) =>
            gradient
              ? differing(`the gradient by input ${which}`, gradient, answer.gradients[which]!, 2e-4)
              : null,
          ),
        ];
        const shapes = call.inputs.map(({ shape }) => `[${shape.join()}]`).join(' ');
        return found.flatMap((what) =>
          what ? [`${call.name} ${shapes} ${JSON.stringify(call.attributes)}: ${what}`] : [],
        );
      });
      expect(wrong).toEqual([]);
      // All but what tfjs refuses on every backend, and what is left out above.
      const missing = sweptOps.map(({ name }) => name).filter((name) => !compared.has(name));
      expect(missing.sort()).toEqual(['divNoNan', ...OTHERWISE]);
    },
    600_000,
  );
});
