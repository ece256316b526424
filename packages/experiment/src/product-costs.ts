/**
 * What products cost on the device of a comparison, where `@espalier/block-sparse` does not know it: timed once, before
 * the first trial, so that all trials choose alike between dense and block-sparse products. The times stay with the
 * results, and a comparison that goes on in their store takes them from there.
 */
import { costsOf } from '@espalier/block-sparse';
import * as z from 'zod/mini';

import type { Executor } from './executors/executor.js';
import type { Store } from './store/store.js';
import type { ProductCosts } from './trial/trial.js';

const DOCUMENT = 'product-costs.json';

/** By device. */
const content = z.record(
  z.string(),
  z.array(
    z.object({
      blockShape: z.tuple([z.number(), z.number()]),
      perKeptWeight: z.number(),
      perStep: z.number(),
    }),
  ),
);

/**
 * The costs of blocks of these shapes on the executor's device. Those that lie in the store's `product-costs.json` are
 * taken from there; the others are measured and added to it.
 *
 * @returns one for each shape, in their order; null on a backend whose costs the package knows
 * @throws UsageError when they cannot be measured
 */
export async function productCosts(
  store: Store,
  { backend, measureCosts }: Pick<Executor, 'backend' | 'measureCosts'>,
  blockShapes: readonly (readonly [number, number])[],
): Promise<ProductCosts[] | null> {
  if (costsOf(backend.name)) return null;
  const stored = await readCosts(store);
  const known: ProductCosts[] = stored[backend.device] ?? [];
  const knownFor = (shape: readonly [number, number]) =>
    known.find(({ blockShape }) => blockShape.join() === shape.join());
  const missing = blockShapes.filter((shape) => !knownFor(shape));
  if (missing.length > 0) {
    known.push(...(await measureCosts(missing)));
    const all = { ...stored, [backend.device]: known };
    await store.write(DOCUMENT, `${JSON.stringify(all, null, 2)}\n`);
  }
  return blockShapes.map((shape) => knownFor(shape) as ProductCosts);
}

/** Nothing where there are none, or the document is damaged: then they are measured again. */
async function readCosts(store: Store): Promise<z.infer<typeof content>> {
  try {
    return content.parse(JSON.parse((await store.read(DOCUMENT)) ?? '{}'));
  } catch {
    return {};
  }
}
