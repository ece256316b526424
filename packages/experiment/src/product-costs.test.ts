import { describe, expect, it, vi } from 'vitest';

// As built: it starts a process of its own, which has nothing but the built files.
import { measureInProcess } from '../dist/executors/processes/measure-costs.js';
import type { BackendDescription } from './backend.js';
import { isUsageError } from './errors.js';
import { productCosts } from './product-costs.js';
import { memoryStore } from './store/memory.js';
import { seal } from './store/sealed.js';

/** One on which nothing can be measured. */
const nowhere = {
  name: 'webgpu',
  device: 'a card of long ago',
  kind: 'gpu',
  choice: 'webgpu:a card of long ago',
} as const satisfies BackendDescription;

const [small, large] = [
  { blockShape: [4, 4], perKeptWeight: 3, perStep: 1e6 },
  { blockShape: [32, 32], perKeptWeight: 1.5, perStep: 1e6 },
] as const;

async function storeWith(text: string) {
  const store = memoryStore();
  await store.write('product-costs.json', text);
  return store;
}

describe('the costs of products', () => {
  it.each(['wasm', 'cpu'] as const)('are not measured on %s, whose costs are known', async (name) => {
    const store = memoryStore();
    const measureCosts = vi.fn();
    const backend = { ...nowhere, name, choice: name };
    expect(await productCosts(store, { backend, measureCosts }, [[4, 4]])).toBeNull();
    expect(measureCosts).not.toHaveBeenCalled();
    expect(await store.read('product-costs.json')).toBeNull();
  });

  it('are taken from the store where they were measured before, on the same device', async () => {
    const text = seal('product-costs', { another: [], [nowhere.device]: [small, large] });
    const store = await storeWith(text);
    const executor = { backend: nowhere, measureCosts: vi.fn() };
    const costs = await productCosts(store, executor, [large.blockShape, small.blockShape]);
    expect(costs).toEqual([large, small]);
    expect(await store.read('product-costs.json')).toBe(text);
  });

  it.each([
    ['are of another device', seal('product-costs', { another: [small] })],
    ['are of another block shape', seal('product-costs', { [nowhere.device]: [large] })],
    ['were changed by hand', seal('product-costs', { [nowhere.device]: [small] }).replace(': 3', ': 4')],
    ['are damaged', `{"${nowhere.device}": [{"blockShape": [4, 4], "perKeptWeight": null}]}`],
    ['are cut off', '{"a card'],
  ])('that %s are measured and kept', async (_, text) => {
    const store = await storeWith(text);
    const executor = { backend: nowhere, measureCosts: async () => [small] };
    expect(await productCosts(store, executor, [small.blockShape])).toEqual([small]);
    const { content: kept } = JSON.parse((await store.read('product-costs.json')) ?? '') as {
      content: Record<string, unknown[]>;
    };
    expect(kept[nowhere.device]).toContainEqual(small);
  });

  it('that cannot be measured are refused: a line says why and what to do', async () => {
    const refusal = measureInProcess(nowhere, { threads: 1, blockShapes: [small.blockShape] });
    await expect(refusal).rejects.toSatisfy(isUsageError);
    await expect(refusal).rejects.toThrow(
      /^Products cannot be timed on a card of long ago \(.*WebGPU adapter.*\): --sparse-phases off needs no times$/,
    );
  });
});
