/** The process that times products on a backend: see product-costs.ts. */
import { startBackend } from '@espalier/backend';
import { measureCosts } from '@espalier/block-sparse';

import type { CostsMessage, CostsOrder, ProductCosts } from './product-costs.js';

process.once('message', (order: CostsOrder) => {
  measure(order).then(
    (costs) => process.send?.({ type: 'measured', costs } satisfies CostsMessage),
    ({ message }: Error) =>
      process.send?.({ type: 'failed', message: message.split('\n')[0] ?? '' } satisfies CostsMessage),
  );
});

// The command that started us is gone.
process.once('disconnect', () => process.exit(1));

async function measure({ backend, blockShapes }: CostsOrder): Promise<ProductCosts[]> {
  const { failure } = await startBackend(backend);
  const costs: ProductCosts[] = [];
  for (const blockShape of blockShapes) {
    // A device that was lost answers no read: what waits for one would wait forever.
    const { perKeptWeight, perStep } = await Promise.race([measureCosts(blockShape), failure]);
    costs.push({ blockShape, perKeptWeight: perKeptWeight(blockShape), perStep });
  }
  return costs;
}
