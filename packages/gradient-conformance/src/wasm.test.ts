import { startBackend } from '@espalier/backend';
import { beforeAll, describe } from 'vitest';

import { ALWAYS_REFUSED } from './refusals.js';
import { declareSweep } from './sweep.js';

describe('on wasm, gradients are right', () => {
  beforeAll(async () => {
    await startBackend('wasm');
  });
  declareSweep({
    backend: 'wasm',
    samples: 8,
    refusals: { ...ALWAYS_REFUSED, conv2d: /does not support dataFormat:'channelsFirst'/ },
  });
});
