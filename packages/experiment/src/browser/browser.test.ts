import { fileURLToPath } from 'node:url';

import { startBackend } from '@espalier/backend';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

import { CHROMIUM, IN_CHROMIUM, postedBy, tfjsWasmFolder } from '../../../../tools/in-chromium.js';
import { runTrials, type Ran } from './trials.js';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));

describe('a bundle for a browser', () => {
  it('has nothing of Node in it, and loads workloads when they are asked for', async () => {
    const { outputFiles, warnings } = await build({
      stdin: {
        contents: "export * from '@espalier/experiment'; export { workloads } from '@espalier/workloads';",
        resolveDir: PACKAGE,
      },
      ...{ bundle: true, splitting: true, write: false, outdir: '/', format: 'esm', platform: 'browser' },
      external: ['@tensorflow/*'],
    });
    expect(warnings).toEqual([]);
    const text = outputFiles.map((file) => file.text).join('\n');
    expect(text).not.toMatch(/(from|import|require)\s*\(?\s*["']node:/);
    // The perceptron's workload is a chunk of its own.
    const [main] = outputFiles;
    expect(main?.text).not.toContain('MNIST, 784-512-512-10');
    expect(text).toContain('MNIST, 784-512-512-10');
  });
});

describe.skipIf(!CHROMIUM)(IN_CHROMIUM, () => {
  it('trials in place end as in Node', { timeout: 180_000 }, async () => {
    await startBackend('wasm');
    const expected = await runTrials();
    const folders = { '/tfjs-wasm': tfjsWasmFolder() };
    const posted = await postedBy<Ran & { error?: string }>({ root: PACKAGE, folders });
    expect(posted.error).toBeUndefined();
    expect(posted.backend).toBe('wasm');
    expect(posted.fingerprints).toEqual(expected.fingerprints);
    expect(posted.losses.map(([name]) => name)).toEqual(expected.losses.map(([name]) => name));
    posted.losses.forEach(([, loss], i) => {
      expect(Math.abs(loss! - expected.losses[i]![1]!)).toBeLessThan(1e-5);
    });
    expect(posted.markdown).toContain('| sequential-attention-plus-plus |');
  });
});
