/** Installs and starts as users do, in processes of their own, with a stand-in for the package. Runs what is built. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findBinding } from './binding.js';
import { COMPILER, enterPlace, fakeTensorflow, npmIn, type Place } from './test-fakes.js';

const built = pathToFileURL(join(import.meta.dirname, '../../dist/index.js')).href;
const bindingInstalled = (await findBinding()).folder !== null;

let place: Place;
let from: string;
beforeAll(() => {
  place = enterPlace();
  from = fakeTensorflow(join(place.folder, 'site-packages'), { wheel: 'tensorflow', cuda: '12.5.1' });
  place.program('npm', npmIn(place));
  place.program('g++', COMPILER);
});
afterAll(() => place.leave());

/** What a script prints that has the package as `espalier` and tfjs as `tf`; no adapter of WebGPU is there. */
function run(script: string, environment: Record<string, string> = {}): Promise<string> {
  const whole = `import * as espalier from '${built}'; import * as tf from '@tensorflow/tfjs'; ${script}`;
  const none = { VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent', FORCE_COLOR: '0' };
  return new Promise((resolve) =>
    execFile(
      process.execPath,
      ['--input-type=module', '--eval', whole],
      { env: { ...process.env, ...none, ...environment }, timeout: 60_000, cwd: import.meta.dirname },
      (_error, stdout) => resolve(stdout),
    ),
  );
}

const messageOf = (work: string) =>
  `await (async () => { ${work} })().then((done) => console.log(done), (error) => console.log(error.name + '|' + error.message))`;

const install = () =>
  `const { made, addon } = await espalier.installTensorflow({ from: ${JSON.stringify(from)} });
   return made + ' ' + addon.tensorflow.version;`;

describe.skipIf(process.platform !== 'linux' || bindingInstalled)(
  'an addon (skipped where npm could install the package itself)',
  () => {
    it('is installed once, where it works, and taken from then on', async () => {
      const trial = (name: string, value: string) =>
        `process.env.${name} = '${value}'; ${messageOf(install())}; delete process.env.${name};`;
      const script = `${trial('FAKE_BREAKS', 'yes')} ${trial('FAKE_WRONG', 'BatchMatMul')}
        console.log((await espalier.tensorflowStatus()).inUse);
        ${messageOf(install())}; ${messageOf(install())};`;
      const [breaks, wrong, none, first, second] = (await run(script)).split('\n');
      expect(breaks).toBe(
        'BackendError|The addon was compiled, and does not work: undefined symbol: TFE_Execute. Nothing was changed',
      );
      expect(wrong).toMatch(
        /does not work: it computes another product and another gradient than the cpu backend/,
      );
      expect([none, first, second]).toEqual(['null', 'true 2.21.0', 'false 2.21.0']);
      expect(existsSync(join(place.folder, 'cache/espalier/tensorflow/lock'))).toBe(false);
    });

    it('computes, and leaves Node as it was', async () => {
      // 2 · 3 + 4 · 5 = 26.
      const script = `const util = (await import('node:util')).default;
        const state = () => [Object.keys(util).length, JSON.stringify({ ...process.env, NVIDIA_TF32_OVERRIDE: '0' })].join();
        const before = state();
        const { device, choice, kind } = await espalier.startBackend('tensorflow', { threads: 3 });
        const [product] = await tf.tidy(() => tf.tensor([[2, 4]]).matMul(tf.tensor([[3], [5]]))).data();
        const require = (await import('node:module')).createRequire('${built}');
        console.log([device, choice, kind, tf.getBackend(), product].join('|'));
        console.log([state() === before, require('util') === util, tf.backend().binding.threads].join());`;
      expect(await run(script)).toBe(
        'TensorFlow 2.21.0, no GPU|tensorflow:2.21.0|processor|tensorflow|26\ntrue,true,3\n',
      );
    });

    it('is the choice of auto where it sees a GPU, and else not', async () => {
      const auto = `return (await espalier.startBackend('auto')).choice;`;
      expect(await run(messageOf(auto), { FAKE_GPU: 'yes' })).toBe('tensorflow:2.21.0-cuda\n');
      expect(await run(messageOf(auto))).toBe('wasm\n');
    });

    it('is of the version that is asked for, and on a GPU where that is', async () => {
      const start = (choice: string) =>
        messageOf(`return (await espalier.startBackend('${choice}')).choice;`);
      const choices = ['tensorflow:2.19.0', 'tensorflow:2.21.0-cuda', 'tensorflow:2.21.0'];
      const [other, gpu, same] = (await run(choices.map(start).join(';'))).split('\n');
      expect(other).toMatch(
        /^BackendError\|TensorFlow 2\.19\.0 is asked for, and 2\.21\.0 is here: espalier tensorflow install --download cpu --tensorflow 2\.19\.0/,
      );
      expect(gpu).toMatch(/^BackendError\|TensorFlow 2\.21\.0 sees no GPU: espalier doctor/);
      expect(same).toBe('tensorflow:2.21.0');
    });

    it('is looked into: where it comes from, and what it lacks', async () => {
      const script = `const [tensorflow] = await espalier.inspectBackends(); return JSON.stringify(tensorflow);`;
      const { present, missing, facts } = JSON.parse(await run(messageOf(script)));
      expect(present).toMatchObject({ name: 'tensorflow', kind: 'processor' });
      expect(facts[0]).toBe(
        `TensorFlow 2.21.0 (tensorflow, for CUDA 12.5.1), of a folder that was named: ${from}`,
      );
      expect(facts).toContain('CUDA devices: none');
      expect(missing).toMatch(/GPU|card|driver/);
    });

    it('is gone once it is removed', async () => {
      expect(Number(await run(messageOf(`return espalier.removeTensorflow();`)))).toBeGreaterThan(0);
      expect(await run(messageOf(`return (await espalier.startBackend('tensorflow')).choice;`))).toMatch(
        /^BackendError\|The tensorflow backend is not installed: espalier tensorflow install builds it .*\n$/,
      );
      expect(existsSync(from)).toBe(true);
    });

    it('is installed without kernels for blocks where the compiler does not take them, which a line says', async () => {
      const script = `const steps = [];
        const { made } = await espalier.installTensorflow({ from: ${JSON.stringify(from)}, onStep: (line) => steps.push(line) });
        return [made, ...steps.filter((line) => line.includes('kernels'))].join('|');`;
      expect(await run(messageOf(script))).toMatch(
        /^true\|without kernels for blocks, which are composed, and slower \(g\+\+ does not compile them .*error: of another world/,
      );
    });
  },
);
