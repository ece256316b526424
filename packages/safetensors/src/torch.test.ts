/** What is written, in PyTorch itself: $ESPALIER_TORCH, the command of a Python that has torch and safetensors. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sparsify } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

import { torchTensors } from './index.js';
import { writeSafetensorsFile } from './node.js';

const python = process.env['ESPALIER_TORCH'];

/** The network in PyTorch; the README's program; a step of training; what is computed of ones before it. */
const program = (readme: string) => `
import json, torch
from torch import nn
model = nn.Sequential()
model.add_module("conv1", nn.Conv2d(4, 8, 3))
model.add_module("bn1", nn.BatchNorm2d(8))
model.add_module("flat", nn.Flatten())
model.add_module("fc1", nn.Linear(8 * 6 * 5, 16))
${readme}
model.eval()
x = torch.arange(2 * 8 * 7 * 4).reshape(2, 8, 7, 4).float().cos().permute(0, 3, 1, 2)
y = model(x)
zeros = [int((model.get_submodule(name).weight == 0).sum()) for name in ("conv1", "fc1")]
optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
for _ in range(3):
    optimizer.zero_grad()
    model(x).square().sum().backward()
    optimizer.step()
after = [int((model.get_submodule(name).weight == 0).sum()) for name in ("conv1", "fc1")]
moved = (model(x) - y).abs().max().item()
print(json.dumps({"y": y.flatten().tolist(), "zeros": zeros, "after": after, "moved": moved}))
`;

it.skipIf(!python)(
  'PyTorch computes the same of weights and masks, and trains on under them',
  { timeout: 120_000 },
  async () => {
    await tf.setBackend('cpu');
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 8, kernelSize: 3, inputShape: [8, 7, 4], name: 'conv1' }),
        tf.layers.batchNormalization({ epsilon: 1e-5, name: 'bn1' }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 16, name: 'fc1' }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const run = await sparsify(model, magnitude(), {
      sparsity: 0.75,
      blockShape: [4, 4],
      totalSteps: 10,
      minimumBlocks: 8,
    });
    const report = await run.finalize();
    const folder = await mkdtemp(join(tmpdir(), 'espalier-torch-'));
    try {
      await writeSafetensorsFile(join(folder, 'pruned.safetensors'), await torchTensors(model, { report }));
      const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
      const [, snippet] = /```python\n([\s\S]*?)```/.exec(readme)!;
      await writeFile(join(folder, 'program.py'), program(snippet!));
      const said = execFileSync(python!, ['program.py'], { cwd: folder, encoding: 'utf8' });
      const { y, zeros, after, moved } = JSON.parse(said) as Record<'y' | 'zeros' | 'after', number[]> & {
        moved: number;
      };
      const expected = tf.tidy(() => {
        const x = tf
          .range(0, 2 * 8 * 7 * 4)
          .cos()
          .reshape([2, 8, 7, 4]);
        return (model.predict(x) as tf.Tensor).dataSync();
      });
      expected.forEach((value, i) => expect(y[i]).toBeCloseTo(value, 4));
      const pruned = ['conv1/kernel', 'fc1/kernel'].map(
        (name) => report.pruned.find((kernel) => kernel.name === name)!.prunedWeights,
      );
      expect(zeros).toEqual(pruned);
      expect(after).toEqual(pruned);
      expect(moved).toBeGreaterThan(0.01);
    } finally {
      await rm(folder, { recursive: true });
      model.dispose();
    }
  },
);
