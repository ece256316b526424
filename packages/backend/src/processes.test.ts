/** What is seen from outside a process that computes on WebGPU: how it ends, and what it says. Runs what is built. */
import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';

import { describe, expect, it } from 'vitest';

import { backendNames, softwareAdapter } from './index.js';

const built = pathToFileURL(new URL('../dist/index.js', import.meta.url).pathname).href;
const software = softwareAdapter();
const nowhere = { VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent' };

interface Ended {
  readonly code: number | string | null;
  readonly stdout: string;
}

/**
 * Runs a script that has the package as `espalier`, tfjs as `tf`, and garbage to collect by `gc()`. Without colours,
 * which a runner of tests may force on its children.
 */
function run(script: string, environment: Record<string, string>): Promise<Ended> {
  const whole = `import * as espalier from '${built}'; import * as tf from '@tensorflow/tfjs'; ${script}`;
  return new Promise((resolve) =>
    execFile(
      process.execPath,
      ['--expose-gc', '--input-type=module', '--eval', whole],
      { env: { ...process.env, FORCE_COLOR: '0', ...environment }, timeout: 60_000 },
      (error, stdout) => resolve({ code: error ? (error.code ?? error.signal ?? null) : 0, stdout }),
    ),
  );
}

const messageOf = (work: string) =>
  `await (async () => { ${work} })().then(() => console.log('nothing failed'),
     (error) => console.log(error.name + '|' + error.message))`;

// What takes the adapters away is Linux' own.
describe.skipIf(process.platform !== 'linux')('where there is no adapter', () => {
  it('webgpu ends with one line', async () => {
    const { stdout } = await run(messageOf(`await espalier.startBackend('webgpu')`), nowhere);
    expect(stdout).toMatch(/^BackendError\|No WebGPU adapter.*\n$/);
  });

  it('auto takes another backend', async () => {
    const { stdout } = await run(`console.log((await espalier.startBackend('auto')).name)`, nowhere);
    expect(stdout).toBe('wasm\n');
  });
});

describe.skipIf(process.platform !== 'linux')('a probe', () => {
  it('tells what a choice comes to, or throws what starting it would', async () => {
    const script = `console.log((await espalier.probeBackend('cpu')).choice);
      ${messageOf(`await espalier.probeBackend('webgpu')`)}`;
    const { stdout } = await run(script, nowhere);
    expect(stdout).toMatch(/^cpu\nBackendError\|No WebGPU adapter.*\n$/);
  });

  it('survives a driver that crashes', async () => {
    const crash = `data:text/javascript,process.kill(process.pid,'SIGSEGV')`;
    const script = `process.env.NODE_OPTIONS = '--import=' + ${JSON.stringify(crash)};
      ${messageOf(`await espalier.probeBackend('cpu')`)}`;
    const { stdout } = await run(script, nowhere);
    expect(stdout).toMatch(/^BackendError\|.*SIGSEGV.*\n$/);
  });

  it('does not wait for a driver that hangs when its process ends', async () => {
    const hang = `data:text/javascript,process.on('exit',()=>{for(;process.send;);})`;
    const script = `process.env.NODE_OPTIONS = '--import=' + ${JSON.stringify(hang)};
      console.log((await espalier.probeBackend('cpu')).choice);`;
    const started = performance.now();
    expect((await run(script, nowhere)).stdout).toBe('cpu\n');
    expect(performance.now() - started).toBeLessThan(40_000);
  });

  it('finds every backend, or says what it lacks', async () => {
    const { stdout } = await run(`console.log(JSON.stringify(await espalier.inspectBackends()))`, nowhere);
    const inspections = JSON.parse(stdout);
    expect(inspections.map(({ name }: { name: string }) => name)).toEqual(backendNames);
    const [, webgpu, wasm, cpu] = inspections;
    expect(webgpu).toMatchObject({ present: null, missing: expect.any(String), adapters: [] });
    for (const present of [wasm, cpu]) expect(present).toMatchObject({ missing: null, remedy: null });
  });
});

describe.skipIf(!software)(
  'on SwiftShader, a software adapter (skipped without: apt-get install chromium libvulkan1)',
  () => {
    const onSoftware = (script: string) => run(script, software ?? {});
    const start = `const backend = await espalier.startBackend('webgpu');`;

    it('computes, and the process ends by itself, whatever is collected on the way', async () => {
      const { code, stdout } = await onSoftware(`${start}
        const collect = async () => { gc(); await new Promise((done) => setTimeout(done, 20)); gc(); };
        await collect();
        const x = tf.fill([8, 8], 2);
        for (let i = 0; i < 3; i++) {
          console.log((await tf.tidy(() => x.matMul(x).sum()).data())[0]);
          await collect();
        }
        await backend.finished();
        console.log(JSON.stringify({ ...backend, memory: backend.gpuMemoryBytes() > 0 }));`);
      expect(code).toBe(0);
      const [first, second, third, description] = stdout.trim().split('\n');
      // 64 sums of 8 products of 2 and 2.
      expect([first, second, third]).toEqual(['2048', '2048', '2048']);
      expect(JSON.parse(description!)).toMatchObject({
        name: 'webgpu',
        kind: 'software adapter',
        device: expect.stringMatching(/SwiftShader.*\(software adapter\)$/),
        choice: 'webgpu',
        memory: true,
      });
    });

    it('is never chosen by auto', async () => {
      const { stdout } = await onSoftware(`console.log((await espalier.startBackend('auto')).name)`);
      expect(stdout).toBe('wasm\n');
    });

    it('is found by a part of its name, and no other name is', async () => {
      const { stdout } = await onSoftware(`
        ${messageOf(`await espalier.startBackend('webgpu:H100')`)};
        const backend = await espalier.startBackend('webgpu:swiftshader');
        console.log(backend.choice);`);
      expect(stdout).toMatch(/^BackendError\|.*H100: there is SwiftShader.*\nwebgpu:swiftshader\n$/);
    });

    it('is started once, however often it is asked for', async () => {
      const { stdout } = await onSoftware(`
        const both = await Promise.all([espalier.startBackend('webgpu'), espalier.startBackend('webgpu')]);
        console.log(both[0] === both[1]);`);
      expect(stdout).toBe('true\n');
    });

    it('is not changed for another within a process', async () => {
      const { stdout } = await onSoftware(`
        await espalier.startBackend('webgpu:swiftshader');
        ${messageOf(`await espalier.startBackend('webgpu')`)};`);
      expect(stdout).toMatch(
        /^BackendError\|This process computes on SwiftShader.* already: start webgpu in another\n$/,
      );
    });

    it('allows tensors as large as the adapter does', async () => {
      const { stdout } = await onSoftware(
        `${start} console.log(tf.backend().device.limits.maxStorageBufferBindingSize)`,
      );
      // WebGPU itself promises 128 MiB alone; SwiftShader allows 1 GiB.
      expect(Number(stdout)).toBe(2 ** 30);
    });

    it.each([
      ['is lost', `tf.backend().device.destroy(); const y = tf.ones([4]).add(1);`, 'was lost'],
      ['is asked for more than it allows', `const y = tf.zeros([32768, 16384]).add(1);`, 'exceeds'],
    ])('fails what waits, in one line, when the device %s', async (_, work, message) => {
      const { code, stdout } = await onSoftware(`${start}
        await tf.ones([4]).add(1).data();
        ${work}
        ${messageOf('await Promise.race([y.data().then(() => backend.finished()), backend.failure])')};
        ${messageOf('await backend.finished()')};`);
      expect(code).toBe(0);
      const lines = stdout.trim().split('\n');
      expect(lines).toHaveLength(2);
      for (const line of lines)
        expect(line).toMatch(new RegExp(`^BackendError\\|The WebGPU device.*${message}`));
    });

    it('waits for what was done, not for what was submitted', async () => {
      const { stdout } = await onSoftware(`${start}
        const x = tf.ones([256, 256]);
        x.matMul(x).dispose();
        await backend.finished();
        const started = performance.now();
        for (let i = 0; i < 4; i++) x.matMul(x).dispose();
        const submitted = performance.now() - started;
        await backend.finished();
        console.log(submitted < (performance.now() - started) / 2);`);
      expect(stdout).toBe('true\n');
    });
  },
);
