import * as tf from '@tensorflow/tfjs';
import { startBackend } from '@espalier/backend';
import { useAccelerators } from '@espalier/wasm-training/accelerators';
import { sparsePhases, costsOf, sparseIsFaster } from '@espalier/block-sparse';
import { sparsify } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import { sgd } from '@espalier/optimizers';
await startBackend('wasm');
await useAccelerators(['blas']);
for (const [batch, size, block, sparsity] of [[8,1024,32,.9],[16,1024,32,.9],[32,1024,32,.9],[64,1024,32,.9],[128,1024,32,.9],[32,1024,16,.9],[64,1024,16,.9],[128,1024,16,.9],[64,1024,32,.5],[128,1024,32,.5],[128,1024,16,.5],[128,1024,32,.7]]) {
  const make = (execution) => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: size, inputShape: [size], useBias: false })] });
    const optimizer = sgd({ learningRate: 0.001, momentum: 0.9 });
    const run = sparsify(model, magnitude({ dense: 1e-5 }), { sparsity, blockShape: [block, block], totalSteps: 100000, optimizer, sparsePhases: execution });
    const x = tf.randomNormal([batch, size]);
    const step = () => { const l = optimizer.minimize(() => tf.mean(tf.square(model.apply(x, { training: true }))), true); l.dispose(); run.step(); };
    return { step, run };
  };
  let sides;
  try { sides = [make(null), make(sparsePhases({ costs: 'always' }))]; } catch (e) { console.log(e.message); break; }
  for (const s of sides) for (let i = 0; i < 3; i++) s.step();
  console.log(batch, size, block, sparsity, sides[0].run.sparsity ?? '', [...(sides[0].run.kernels ?? [])].length);
  const t = [[], []];
  for (let r = 0; r < 31; r++) sides.forEach((s, i) => { const a = performance.now(); for (let j = 0; j < 3; j++) s.step(); t[i].push((performance.now() - a) / 3); });
  const m = t.map((v) => v.sort((a, b) => a - b)[15]);
  console.log('  dense', m[0].toFixed(2), 'sparse', m[1].toFixed(2), 'ratio', (m[1] / m[0]).toFixed(2));
}
