import { startBackend } from '@espalier/backend';
import { beforeAll, describe } from 'vitest';

import { ALWAYS_REFUSED, DILATED_NCHW } from './refusals.js';
import { declareSweep } from './sweep.js';

describe('on cpu, gradients are right', () => {
  beforeAll(async () => {
    await startBackend('cpu');
  });
  declareSweep({ backend: 'cpu', samples: 4, refusals: { ...ALWAYS_REFUSED, conv2d: DILATED_NCHW } });
});
