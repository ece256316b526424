/** Every example by the command in its head, and what it prints. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';

import type { Summary } from '@espalier/experiment';
import { build, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Configuration, Stats } from 'webpack';

import { bodyOf, CHROMIUM, IN_CHROMIUM, tfjsWasmFolder, whileOpen } from '../tools/in-chromium.js';

const root = join(import.meta.dirname, '..');
// Whoever runs the tests may have asked for colours.
const env = { ...process.env, FORCE_COLOR: '0' };
const run = (command: string, ...args: string[]) => promisify(execFile)(command, args, { cwd: root, env });
const printed = async (...args: string[]) => (await run(process.execPath, ...args)).stdout;

/** The number after these words. */
const after = (words: string, text: string) => Number(new RegExp(`${words}(-?[\\d.]+)`).exec(text)?.[1]);

let out: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'espalier-examples-'));
});
afterAll(() => rm(out, { recursive: true, force: true }));

it('prune-a-model: a fifth of the blocks reads most digits', async () => {
  const text = await printed('examples/prune-a-model.js');
  // max(1, round(G · (1 − s))): of 128 and of 256 blocks at 0.8.
  expect(text).toContain('dense_Dense1/kernel: 26 of 128 blocks');
  expect(text).toContain('dense_Dense2/kernel: 51 of 256 blocks');
  expect(after('not seen: ', text)).toBeGreaterThan(85);
});

it('loop-of-your-own: AC/DC prunes, regrows and prunes again', async () => {
  const text = await printed('examples/loop-of-your-own.js');
  expect(text).toMatch(/dense, 100%.*\n(.*\n)*.*sparse, 10%.*\n(.*\n)*.*dense, 100%.*\n(.*\n)*.*sparse, 10%/);
  // 26 of 256 blocks; the loss of zeros is the variance of what is to be predicted, 1.
  expect(after('sparsity ', text)).toBe(1 - 26 / 256);
  expect(after(', loss (?=[\\d.]+\\n$)', text)).toBeLessThan(0.05);
});

it('bare-variables: the inputs that are kept are those that matter', async () => {
  const text = await printed('examples/bare-variables.js');
  expect(text).toContain('inputs that matter: 3,17,42,60\ninputs kept:        3,17,42,60\n');
});

it('compress-and-load: a tenth of the bytes, in less time, the same predictions', async () => {
  const text = await printed('examples/compress-and-load.js');
  // 512 · 512 in each of two kernels, 512 · 4 in the last, and 512 + 512 + 4 biases; of 1024 blocks of 16 × 16, 102.
  const [dense, kept] = [2 * 512 * 512, 2 * 102 * 16 * 16];
  const others = 512 * 4 + 512 + 512 + 4;
  expect(after('bytes of weights: ', text)).toBe(4 * (dense + others));
  expect(after('dense, (?=\\d+ compressed)', text)).toBe(4 * (kept + others));
  expect(after('ms of a prediction: ', text)).toBeGreaterThan(
    after('dense, (?=[\\d.]+ compressed\\nthe)', text),
  );
  expect(after('between their predictions: ', text)).toBeLessThan(1e-5);
  expect(text).toContain('the same to the bit: true');
});

describe('a model that was trained elsewhere', () => {
  const folder = join(root, 'examples/vite-page/public/out');
  let text: string;
  beforeAll(async () => {
    text = await printed('examples/pretrained-from-files/prune.js', folder);
  }, 120_000);

  it('pretrained-from-files: reads nearly as many digits with a third of the weights', async () => {
    expect(after('as it came: accuracy ', text)).toBeGreaterThan(95);
    expect(after('pruned:     accuracy ', text)).toBeGreaterThan(92);
    // 64 of 256 blocks of 16 weights in each of two kernels; the last has 48 blocks, too few to prune.
    const weights = 64 * 64 + 64 + 64 * 64 + 64 + 64 * 10 + 10;
    const left = weights - 2 * 192 * 16;
    expect(after('pruned: .*, ', text)).toBeCloseTo(100 * (1 - left / weights), 1);
    const [weightsFile] = (await readdir(folder)).filter((name) => name.endsWith('.bin'));
    expect((await stat(join(folder, weightsFile!))).size).toBe(4 * left);
    expect(text).toContain(`bytes of weights: ${4 * weights} before, ${4 * left} in`);
  });

  it.skipIf(!CHROMIUM)(`vite-page: as it is built, it reads digits ${IN_CHROMIUM}`, async () => {
    const report = await reportOfPage(join(root, 'examples/vite-page'), join(out, 'page'));
    expect(report).toContain('layers: BlockSparseDense, BlockSparseDense, Dense');
    const [, asked, read] = /digits: ([\d ]+)\nare read as: +([\d ]+)/.exec(report) ?? [];
    expect(asked?.split(' ')).toHaveLength(10);
    const right = read?.split(' ').filter((digit, i) => digit === asked?.split(' ')[i]).length;
    expect(right).toBeGreaterThan(7);
    // The same test set and the same model as in Node.
    const accuracy = after('pruned:     accuracy ', text);
    expect(report).toContain(`right: ${Math.round((accuracy / 100) * 360)} of 360, on wasm`);
  });

  describe.skipIf(!CHROMIUM)(`the outputs of Node, ${IN_CHROMIUM}`, () => {
    let expected: number[];
    beforeAll(async () => {
      expected = numbersIn(await printed('--input-type=module', '--eval', IN_NODE));
      expect(expected).toHaveLength(10);
      for (const place of ['webpack-page/out', 'worker-page/public/out', 'script-page/out'])
        await cp(folder, join(root, 'examples', place), { recursive: true });
    });
    const expectSame = (report: string) => {
      const outputs = numbersIn(report);
      expect(outputs, report).toHaveLength(10);
      outputs.forEach((output, i) => expect(Math.abs(output - expected[i]!)).toBeLessThan(1e-4));
    };

    it('webpack-page: as webpack builds it', async () => {
      const file = new URL('webpack-page/webpack.config.js', import.meta.url).href;
      const { default: config } = (await import(file)) as { default: Configuration };
      const { default: webpack } = await import('webpack');
      const built = await promisify((done: (error: Error | null, stats?: Stats) => void) => {
        // Not minified, which takes longer than all else.
        webpack({ ...config, optimization: { minimize: false } }, done);
      })();
      expect(built?.toString({ all: false, errors: true, warnings: true })).toBe('');
      expectSame(await reportOfFolder('examples/webpack-page/'));
    });

    it('worker-page: in a worker, as Vite builds it', async () => {
      expectSame(await reportOfPage(join(root, 'examples/worker-page'), join(out, 'worker')));
    });

    it('script-page: without a bundler', async () => {
      expectSame(await reportOfFolder('examples/script-page/'));
    });

    it.runIf(process.env['ESPALIER_LONG'] !== undefined)(
      'next-page: as Next.js builds it, in a project of its own',
      { timeout: 900_000 },
      async () => {
        const project = join(out, 'next');
        await cp(join(root, 'examples/next-page'), project, { recursive: true });
        await cp(join(root, 'examples/digit.js'), join(project, 'app/digit.js'));
        await cp(folder, join(project, 'public/model'), { recursive: true });
        await cp(tfjsWasmFolder(), join(project, 'public/tfjs-wasm'), {
          recursive: true,
          filter: async (path) => (await stat(path)).isDirectory() || path.endsWith('.wasm'),
        });
        await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
        const own = ['blocks', 'gradients', 'core', 'block-sparse'].map((name) =>
          join(root, 'packages', name),
        );
        const others = ['next@16', 'react@19', 'react-dom@19', '@tensorflow/tfjs@4.22.0', '@tensorflow/tfjs-backend-wasm@4.22.0']; // prettier-ignore
        const options = { cwd: project, env: { ...env, NEXT_TELEMETRY_DISABLED: '1' } };
        const flags = ['--install-links', '--ignore-scripts', '--no-audit', '--no-fund'];
        await promisify(execFile)('npm', ['install', ...flags, ...others, ...own], options);
        await promisify(execFile)('npx', ['next', 'build'], options);
        expectSame(await reportOfFolder('', join(project, 'out')));
      },
    );
  });
});

it('comparison-from-a-script: a table of dense, magnitude and random, from identical workloads', async () => {
  const text = await printed('examples/comparison-from-a-script.js');
  expect(text).toMatch(/identical workloads: seed 0 init \w{8} data \w{8}; seed 1 /);
  const accuracyOf = (strategy: string) => after(`\\| ${strategy} \\| `, text);
  expect(accuracyOf('dense')).toBeGreaterThan(90);
  expect(accuracyOf('magnitude')).toBeGreaterThan(80);
  expect(accuracyOf('random')).toBeGreaterThan(50);
});

describe('a config', () => {
  const wasm = ['--backend', 'wasm', '--accelerators', 'off', '--seeds', '0'];
  async function rowsOf(name: string, ...args: string[]) {
    const folder = join(out, name);
    await run(
      'npx',
      'espalier',
      'compare',
      '--config',
      `examples/${name}.config.ts`,
      ...args,
      ...wasm,
      '--out',
      folder,
    );
    return (JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8')) as Summary).rows;
  }

  it('own-strategy: a new combination and a new importance have their rows', async () => {
    const names = ['magnitude-of-powers', 'first-order'];
    const rows = await rowsOf('own-strategy', '--pruners', names.join(), '--scale', 'smoke');
    expect(rows.map(({ pruner }) => pruner)).toEqual(['dense', ...names]);
    // 51 of 512 blocks.
    for (const row of rows.slice(1)) expect(row.achieved?.prunedLayers).toBeCloseTo(1 - 51 / 512, 10);
  });

  it('own-data: spirals are learned', async () => {
    const [dense, pruned] = await rowsOf('own-data', '--workload', 'spirals', '--pruners', 'magnitude');
    // Three classes of one size: a guess is right in a third of the cases.
    expect(dense?.metrics?.['accuracy']).toBeGreaterThan(0.9);
    expect(pruned).toMatchObject({ pruner: 'magnitude', status: 'ok' });
  });
});

/** The outputs for the digit that pages are shown. */
const IN_NODE = `
  import '@espalier/block-sparse';
  import { fileSystem } from '@espalier/block-sparse/node';
  import * as tf from '@tensorflow/tfjs';
  import { digit } from './examples/digit.js';
  const model = await tf.loadLayersModel(fileSystem('examples/vite-page/public/out'));
  console.log('outputs: ' + model.predict(tf.tensor2d(digit, [1, 64])).dataSync().join(' '));`;

function numbersIn(report: string): number[] {
  return (/outputs: (.*)/.exec(report)?.[1] ?? '').split(' ').filter(Boolean).map(Number);
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** What a page of a folder shows, served as it lies there. */
async function reportOfFolder(page: string, folder = root): Promise<string> {
  let hear: (report: string) => void = () => {};
  const told = new Promise<string>((resolve) => (hear = resolve));
  const server = createServer(async (request, response) => {
    const path = new URL(request.url!, 'http://localhost').pathname;
    if (path === '/report') {
      response.end();
      return hear(await bodyOf(request));
    }
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
    const content = await readFile(file, extname(file) === '.html' ? 'utf8' : null).catch(() => null);
    if (content === null) return response.writeHead(404).end();
    response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.end(
      typeof content === 'string' ? content.replace('</body>', `<script>${TELL}</script></body>`) : content,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await whileOpen(`http://localhost:${port}/${page}`, () => told);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** In a page: posts what it reports, and what goes wrong. */
const TELL = `
    const report = document.querySelector('#report');
    // A page that outlives its server is not to tell of that, for ever.
    const tell = (body) => void fetch('/report', { method: 'POST', body }).catch(() => {});
    new MutationObserver(() => tell(report.textContent)).observe(report, { childList: true, characterData: true, subtree: true });
    addEventListener('error', ({ message }) => tell(message));
    addEventListener('unhandledrejection', ({ reason }) => tell(String(reason)));`;

/** What the page shows once it is built, served and opened, and no longer says `loading`. */
async function reportOfPage(page: string, outDir: string): Promise<string> {
  let hear: (report: string) => void = () => {};
  const told = new Promise<string>((resolve) => (hear = resolve));
  const plugins = [
    {
      name: 'tell',
      transformIndexHtml: () => [{ tag: 'script', children: TELL, injectTo: 'body' as const }],
      configurePreviewServer: ({ middlewares }: Awaited<ReturnType<typeof preview>>) => {
        middlewares.use('/report', (request, response) => {
          response.end();
          void bodyOf(request).then(hear);
        });
      },
    },
  ];
  const config = { root: page, configFile: false, logLevel: 'error', plugins, build: { outDir } } as const;
  await build({ ...config, plugins, build: { outDir, emptyOutDir: true, chunkSizeWarningLimit: 4000 } });
  const server = await preview({ ...config, plugins, preview: { port: 0 } });
  try {
    return await whileOpen(server.resolvedUrls!.local[0]!, () => told);
  } finally {
    await server.close();
  }
}
