/** The process that times products on a backend. */
import { startBackend } from '@espalier/backend';

import type { ProductCosts } from '../../trial/trial.js';
import { inPlace } from '../in-place.js';
import type { CostsMessage, CostsOrder } from './messages.js';

process.once('message', (order: CostsOrder) => {
  measure(order).then(
    (costs) => process.send?.({ type: 'measured', costs } satisfies CostsMessage),
    ({ message }: Error) =>
      process.send?.({ type: 'failed', message: message.split('\n')[0] ?? '' } satisfies CostsMessage),
  );
});

// The command that started us is gone.
process.once('disconnect', () => process.exit(1));

async function measure({
  backend: choice,
  threads,
  blockShapes,
}: CostsOrder): Promise<readonly ProductCosts[]> {
  const backend = await startBackend(choice, { threads });
  // A device that was lost answers no read: what waits for one would wait forever.
  return Promise.race([inPlace({ backend }).measureCosts(blockShapes), backend.failure]);
}
