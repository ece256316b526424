/** The process that times products on a backend: see product-costs.ts. */
import { startBackend, type NamedChoice } from '@espalier/backend';
import { measureCosts } from '@espalier/block-sparse';

import type { ProductCosts } from './product-costs.js';

export interface CostsOrder {
  readonly backend: NamedChoice;
  readonly blockShapes: readonly (readonly [number, number])[];
}

export type CostsMessage =
  | { readonly type: 'measured'; readonly costs: readonly ProductCosts[] }
  | { readonly type: 'failed'; readonly message: string };

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
