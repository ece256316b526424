/**
 * What products cost on the device of a comparison, where `@espalier/block-sparse` does not know it: timed once, before
 * the first trial, so that all trials choose alike between dense and block-sparse products. The times stay with the
 * results, and a comparison that goes on in their store takes them from there.
 */
import { costsOf } from '@espalier/block-sparse';
import * as z from 'zod/mini';

import type { Executor } from './executors/executor.js';
import { seal, unseal } from './store/sealed.js';
import type { Store } from './store/store.js';
import { unlessDoubtful, type Note } from './trial/stored.js';
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
  note: Note = () => {},
): Promise<ProductCosts[] | null> {
  if (costsOf(backend.name)) return null;
  const lying = await productCostsIn(store, backend.device, blockShapes);
  if (lying) return lying;
  const stored = await readCosts(store, (line) => note(`Products are timed anew: ${line}`));
  const known = stored[backend.device] ?? [];
  const missing = blockShapes.filter(
    (shape) => !known.some(({ blockShape }) => blockShape.join() === shape.join()),
  );
  const measured = [...known, ...(await measureCosts(missing))];
  const text = seal('product-costs', { ...stored, [backend.device]: measured });
  if (await store.create(DOCUMENT, text)) return productCostsIn(store, backend.device, blockShapes);
  // Where another command was faster, all choose by its times.
  const theirs = await productCostsIn(store, backend.device, blockShapes);
  if (theirs) return theirs;
  await store.write(DOCUMENT, text);
  return productCostsIn(store, backend.device, blockShapes);
}

/** Of these shapes on a device, where the store has them all. */
async function productCostsIn(
  store: Store,
  device: string,
  blockShapes: readonly (readonly [number, number])[],
): Promise<ProductCosts[] | null> {
  const known = (await readCosts(store, () => {}))[device] ?? [];
  const costs = blockShapes.map((shape) =>
    known.find(({ blockShape }) => blockShape.join() === shape.join()),
  );
  return costs.every((cost) => cost !== undefined) ? costs : null;
}

/** Nothing where there are none, or the document cannot be believed: then they are measured again. */
async function readCosts(store: Store, note: Note): Promise<z.infer<typeof content>> {
  const text = await store.read(DOCUMENT);
  if (text === null) return {};
  const costs = await unlessDoubtful(async () => unseal('product-costs', content, text, DOCUMENT), note);
  return costs ?? {};
}
