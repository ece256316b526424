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

  it.each([
    ['MNIST', 'mnist', 'loadMnist'],
    ['CIFAR-10', 'cifar', 'loadCifar10'],
  ])('of %s says what it lacks', async (title, entry, load) => {
    const text = await bundled(`export { ${load} } from '@espalier/datasets/${entry}';`);
    expect(text).toContain(title);
    expect(text).toContain('is read from files, for which it takes Node');
    expect(text).not.toContain('node:');
  });

  it('of Criteo says what it lacks', async () => {
    const text = await bundled("export { loadCriteo } from '@espalier/datasets/criteo';");
    expect(text).toContain('Criteo is read from files');
    expect(text).not.toContain('node:');
  });

  it('of a table has nothing of Node in it', async () => {
    const text = await bundled("export { fromCsvText } from '@espalier/datasets/csv-text';");
    expect(text.length).toBeLessThan(75_000);
    expect(text).not.toContain('node:');
  });

  it('of the digits has them within, and nothing of Node', async () => {
    const text = await bundled("export { loadDigits } from '@espalier/datasets/digits';");
    expect(text.length).toBeLessThan(75_000);
    expect(text).not.toContain('node:');
  });

  it('of ImageNet says what it lacks', async () => {
    const text = await bundled("export { loadImageNet } from '@espalier/datasets/imagenet';");
    expect(text).toContain('ImageNet is read from files');
    expect(text).not.toContain('node:');
  });
});
