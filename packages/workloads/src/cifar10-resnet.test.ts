import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { layerKernels } from '@espalier/core';
import { random, sizeOf, type Batch } from '@espalier/datasets';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { atScale, type WorkloadData } from './index.js';
import wide from './workloads/cifar10-resnet20-wide.js';
import resnet20 from './workloads/cifar10-resnet20.js';

describe('the recipes', () => {
  it("are, on paper, AC/DC's: 200 epochs from 0.1, its own plan", () => {
    const paper = atScale(resnet20, 'paper');
    expect(paper.defaults).toMatchObject({ epochs: 200, batchSize: 128, sparsities: [0.9] });
    expect([0, 0.5, 1].map(paper.learningRate)).toEqual([0.1, expect.closeTo(0.05, 12), 0]);
    const optimizer = paper.optimizer();
    expect(optimizer.getConfig()).toMatchObject({ learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4 });
    optimizer.dispose();
    expect(paper.settings).toEqual({
      acdc: { plan: 'cifar10' },
      'sequential-attention-plus-plus': { plan: 'cifar10' },
    });
  });

  it('start, when small, at a tenth of their highest rate and end at 0', () => {
    for (const { learningRate, optimizer } of [resnet20, wide, atScale(wide, 'smoke')]) {
      const rates = Array.from({ length: 1001 }, (_, i) => learningRate(i / 1000));
      expect(rates[0]).toBeCloseTo(Math.max(...rates) / 10, 12);
      expect(rates.at(-1)).toBe(0);
      const first = optimizer();
      expect(first.learningRate).toBe(rates[0]);
      first.dispose();
    }
  });
});

describe('the networks', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  /** Of a kernel `[…, out]`, a matrix with `out` columns. */
  const blocks = (shape: number[], [rows, columns]: readonly [number, number]) => {
    const out = shape.at(-1) as number;
    return Math.ceil(sizeOf({ shape }) / out / rows) * Math.ceil(out / columns);
  };

  it.each([
    // 9·32/8 · 64/8 = 288 in the first convolution of stage 3, 9·32/8 · 32/8 = 144 in stage 2, 9·16/8 · 32/8 = 72 before.
    ['cifar10-resnet20', resnet20, [8, 8], 5 + 6, 'stage2_block1_conv2/kernel'],
    // 9·16/4 · 16/4 = 144 in stage 1.
    ['cifar10-resnet20', resnet20, [4, 4], 6 + 6 + 6, 'stage1_block1_conv1/kernel'],
    // 9·64/16 · 64/16 = 144 in stage 1, and 3·9/16 · 64/16 = 8 in the stem.
    ['cifar10-resnet20-wide', wide, [16, 16], 6 + 6 + 6, 'stage1_block1_conv1/kernel'],
  ] as const)('%s has room for its blocks', async (name, workload, blockShape, prunable, first) => {
    expect(workload.name).toBe(name);
    expect(workload.defaults.blockShapes).toContainEqual(blockShape);
    const model = await workload.model(0, {} as WorkloadData);
    const large = layerKernels(model).filter(({ variable }) => blocks(variable.shape, blockShape) >= 100);
    expect(large).toHaveLength(prunable);
    expect(large[0]!.name).toBe(first);
    model.dispose();
  });
});

describe.runIf(process.platform === 'linux')('the data', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'espalier-workloads-'));
    vi.stubEnv('XDG_CACHE_HOME', join(root, 'cache'));
    await mkdir(join(root, 'cifar10'));
    // As the release: rows of a label and 3072 bytes.
    const noise = random(0, 'images');
    for (const name of [...[1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`), 'test_batch.bin']) {
      const rows = Uint8Array.from({ length: 300 * 3073 }, (_, i) =>
        i % 3073 === 0 ? Math.floor(i / 3073) % 10 : noise.integer(256),
      );
      await writeFile(join(root, 'cifar10', name), rows);
    }
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(root, { recursive: true });
  });

  it('is augmented in training, and as it is in tests', async () => {
    const told = vi.fn();
    const data = await resnet20.load({ dataFolder: root, seed: 0, onProgress: told });
    expect(told).toHaveBeenCalled();
    expect([data.train.count, data.test.count]).toEqual([1500, 300]);
    const indices = [700, 3, 1499];
    const images = (batch: Batch) => [...batch.inputs[0]!];
    const plain = images(await data.train.gather(indices));
    const drawn = images(await data.train.gather(indices, { seed: 0, epoch: 0 }));
    expect(drawn).not.toEqual(plain);
    expect(images(await data.train.gather(indices, { seed: 0, epoch: 0 }))).toEqual(drawn);
    // What comes in from outside the image is black: (0 − mean) / deviation of the first channel.
    expect(drawn).toContain(Math.fround(-0.4914 / 0.247));
    const test = await data.test.gather(indices.slice(1, 2), { seed: 0, epoch: 0 });
    expect(images(test)).toEqual(images(await data.test.gather([3])));
    data.close?.();
  });

  it('is, for smoke, some of all classes, the same for every seed, and known as such', async () => {
    const whole = await resnet20.load({ dataFolder: root, seed: 0 });
    const { load, defaults } = atScale(resnet20, 'smoke');
    const [some, again] = [
      await load({ dataFolder: root, seed: 0 }),
      await load({ dataFolder: root, seed: 1 }),
    ];
    expect([some.train.count, some.test.count]).toEqual([512, 256]);
    // Room for the phases of every strategy.
    expect((defaults.epochs * 512) / defaults.batchSize).toBeGreaterThanOrEqual(100);
    const all = Int32Array.from({ length: 512 }, (_, i) => i);
    const bytes = ({ inputs, targets }: Batch) => Buffer.concat([...inputs, targets].map((values) => Buffer.from(values.buffer))); // prettier-ignore
    const batch = await some.train.gather(all);
    expect(new Set(batch.targets).size).toBe(10);
    expect(bytes(batch).equals(bytes(await again.train.gather(all)))).toBe(true);
    expect(await some.digest?.()).toBe(`${await whole.digest?.()}-smoke-512-256`);
    [whole, some, again].forEach(({ close }) => close?.());
  });
});
