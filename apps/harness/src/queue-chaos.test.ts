import { describe, expect, it } from 'vitest';

import { chaos } from '../../../tools/queue-chaos/chaos.mjs';
import { missing } from '../test/servers.js';

describe.each(['redis', 'postgres'] as const)('trials on a queue of %s', (kind) => {
  it.skipIf(missing[kind]() !== null)(
    'come to the bits of one process, each published once, while workers are killed and the server is restarted',
    { timeout: 600_000 },
    async () => {
      const { wrong } = await chaos({ kind, trials: 8, workers: 2, kills: 2, restarts: 1, seed: 2 });
      expect(wrong).toEqual([]);
    },
  );
});
