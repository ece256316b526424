import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const bundled = async (contents: string) => {
  const { outputFiles, warnings } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
    ...{ bundle: true, minify: true, write: false, format: 'esm', platform: 'browser' },
  });
  expect(warnings).toEqual([]);
  return outputFiles[0]?.text ?? '';
};

describe('a bundle for a browser', () => {
  it('of planted blocks is small, and has nothing of Node in it', async () => {
    const text = await bundled("export { plantedBlocks } from '@espalier/datasets';");
    expect(text.length).toBeLessThan(12_000);
    expect(text).not.toContain('node:');
  });

  it('of MNIST says what it lacks', async () => {
    const text = await bundled("export { loadMnist } from '@espalier/datasets/mnist';");
    expect(text).toContain('MNIST is read from files');
    expect(text).not.toContain('node:');
  });

  it('of ImageNet says what it lacks', async () => {
    const text = await bundled("export { loadImageNet } from '@espalier/datasets/imagenet';");
    expect(text).toContain('ImageNet is read from files');
    expect(text).not.toContain('node:');
  });
});
