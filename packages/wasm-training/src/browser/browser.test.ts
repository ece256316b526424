import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { CHROMIUM, IN_CHROMIUM, postedBy, tfjsWasmFolder } from '../../../../tools/in-chromium.js';
import { expectClose } from '../test-support.js';
import { trainSmallNetwork } from './train.js';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));

/** Headers of a cross-origin isolated page, in which tfjs takes its backend with threads and shared memory. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

interface PageResult {
  losses: number[];
  backend: string;
  isolated: boolean;
  error?: string;
}

describe.skipIf(!CHROMIUM)(IN_CHROMIUM, () => {
  it.each([
    ['an ordinary page', {}, false],
    ['a cross-origin isolated page', ISOLATION, true],
  ])('%s trains to the losses of Node', { timeout: 180_000 }, async (_, headers, isolated) => {
    await tf.setBackend('wasm');
    const expected = trainSmallNetwork();
    expect(expected.at(-1)!).toBeLessThan(expected[0]!);
    const folders = { '/tfjs-wasm': tfjsWasmFolder() };
    const result = await postedBy<PageResult>({ root: PACKAGE, headers, folders });
    expect(result.error).toBeUndefined();
    expect([result.backend, result.isolated]).toEqual(['wasm', isolated]);
    expectClose(result.losses, expected, 1e-4);
  });
});
