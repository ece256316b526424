import { expect, it } from 'vitest';

import { chaos } from '../../../tools/queue-chaos/chaos.mjs';
import { missing } from '../test/servers.js';

// `npm run check:long` runs the whole, on both servers.
it.runIf(missing.postgres() === null)(
  'trials on a queue come to the bits of one process, each published once, while a worker is killed and the server restarted',
  { timeout: 600_000 },
  async () => {
    const { wrong } = await chaos({
      kind: 'postgres',
      trials: 4,
      workers: 2,
      kills: 1,
      restarts: 1,
      epochs: 4,
      seed: 2,
    });
    expect(wrong).toEqual([]);
  },
);
