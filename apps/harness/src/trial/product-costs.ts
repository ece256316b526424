/**
 * What products cost on the device of a comparison, where `@espalier/block-sparse` does not know it: timed once, before
 * the first trial, so that all trials choose alike between dense and block-sparse products. The times stay with the
 * results, and a comparison that goes on in their folder takes them from there.
 */
import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { BackendDescription, NamedChoice } from '@espalier/backend';
import { costsOf } from '@espalier/block-sparse';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';

import { UsageError } from '../errors.js';

/** In multiply-adds of a dense product: `Costs` of the package for blocks of one shape, as plain data. */
export interface ProductCosts {
  readonly blockShape: readonly [number, number];
  /** A multiply-add at a kept weight. */
  readonly perKeptWeight: number;
  /** What a layer's step takes beside its three products. */
  readonly perStep: number;
}

/** What the process of product-costs-process.ts is sent. */
export interface CostsOrder {
  readonly backend: NamedChoice;
  readonly blockShapes: readonly (readonly [number, number])[];
}

/** What it answers. */
export type CostsMessage =
  | { readonly type: 'measured'; readonly costs: readonly ProductCosts[] }
  | { readonly type: 'failed'; readonly message: string };

/** By device. */
const fileContent = z.record(
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
 * The costs of blocks of these shapes on the backend's device. Those that lie in the folder's `product-costs.json` are
 * taken from there; the others are measured and added to it.
 *
 * @param out an existing folder
 * @returns one for each shape, in their order; null on a backend whose costs the package knows
 * @throws UsageError when they cannot be measured
 */
export async function productCosts(
  out: string,
  backend: BackendDescription,
  blockShapes: readonly (readonly [number, number])[],
): Promise<ProductCosts[] | null> {
  if (costsOf(backend.name)) return null;
  const file = join(out, 'product-costs.json');
  const stored = await readCosts(file);
  const known: ProductCosts[] = stored[backend.device] ?? [];
  const knownFor = (shape: readonly [number, number]) =>
    known.find(({ blockShape }) => blockShape.join() === shape.join());
  const missing = blockShapes.filter((shape) => !knownFor(shape));
  if (missing.length > 0) {
    known.push(...(await measureInProcess(backend, missing)));
    const all = { ...stored, [backend.device]: known };
    await writeFileAtomic(file, `${JSON.stringify(all, null, 2)}\n`);
  }
  return blockShapes.map((shape) => knownFor(shape) as ProductCosts);
}

/** Nothing where there are none, or the file is damaged: then they are measured again. */
async function readCosts(file: string): Promise<z.infer<typeof fileContent>> {
  try {
    return fileContent.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return {};
  }
}

/** In a process of its own, as trials are: what a driver prints, crashes or keeps goes with it. */
function measureInProcess(
  { device, choice }: BackendDescription,
  blockShapes: CostsOrder['blockShapes'],
): Promise<readonly ProductCosts[]> {
  const child = fork(fileURLToPath(new URL('./product-costs-process.js', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      reject(
        new UsageError(`Products cannot be timed on ${device} (${why}): --sparse-phases off needs no times`),
      );
    child.once('message', (message: CostsMessage) => {
      // Some drivers hang when they are unloaded.
      child.kill('SIGKILL');
      if (message.type === 'measured') resolve(message.costs);
      else fail(message.message);
    });
    child.once('error', ({ message }) => fail(`the process did not start: ${message}`));
    child.once('exit', (code, signal) =>
      fail(`the process ended ${signal ? `by ${signal}` : `with code ${code}`}`),
    );
    child.send({ backend: choice, blockShapes } satisfies CostsOrder);
  });
}
