/** The page as it is built, in headless Chromium. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import '@espalier/block-sparse'; // makes the layers known to tfjs
import type { Summary } from '@espalier/experiment';
import plantedBlocks from '@espalier/workloads/planted-blocks';
import * as tf from '@tensorflow/tfjs';
import { unzipSync } from 'fflate';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { preview, type PreviewServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CHROMIUM, IN_CHROMIUM } from '../../../tools/in-chromium.js';
import { contentPolicy } from './content-policy.js';

const APP = join(import.meta.dirname, '..');
const STRATEGIES = ['magnitude', 'sequential-attention-plus-plus'];
const EPOCHS = 4;

describe.skipIf(!CHROMIUM)(`the playground ${IN_CHROMIUM}`, () => {
  let folder: string;
  let server: PreviewServer;
  let browser: Browser;
  let page: Page;
  let byCommand: Promise<unknown>;
  const said: string[] = [];
  const asked: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'espalier-playground-'));
    const options = [
      '--backend',
      'wasm',
      '--accelerators',
      'off',
      '--seeds',
      '0',
      '--epochs',
      String(EPOCHS),
    ];
    const command = fileURLToPath(new URL('bin/espalier.js', import.meta.resolve('espalier/package.json')));
    const compared = ['compare', '--workload', 'planted-blocks', '--pruners', STRATEGIES.join()];
    byCommand = promisify(execFile)(process.execPath, [
      command,
      ...compared,
      ...options,
      '--out',
      join(folder, 'run'),
    ]);
    byCommand.catch(() => {});
    server = await preview({ root: APP, logLevel: 'error', preview: { port: 0 } });
    browser = await puppeteer.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox', '--disable-gpu'] });
    page = await browser.newPage();
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('request', (request) => asked.push(request.url()));
    const session = await browser.target().createCDPSession();
    await mkdir(join(folder, 'downloads'));
    await session.send('Browser.setDownloadBehavior', {
      behavior: 'allow',
      downloadPath: join(folder, 'downloads'),
      eventsEnabled: true,
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await byCommand?.catch(() => {});
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const textOf = (selector: string) => page.$eval(selector, (found) => found.textContent!);
  const untilDone = async () => {
    await page.waitForFunction(`!document.querySelector('#train').disabled`, { timeout: 90_000 });
    return { status: await textOf('#status'), error: await textOf('#error') };
  };
  const set = (id: string, value: string) =>
    page.evaluate(
      `{ const field = document.querySelector('#${id}'); field.value = ${JSON.stringify(value)}; field.dispatchEvent(new Event('change')); }`,
    );
  async function downloaded(button: string, name: string): Promise<Buffer> {
    await page.click(button);
    const path = join(folder, 'downloads', name);
    for (;;) {
      const content = await readFile(path).catch(() => null);
      if (content && content.length > 0) return content;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  async function chosen(field: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    const paths = [];
    for (const [name, content] of Object.entries(files)) {
      paths.push(join(folder, name));
      await writeFile(join(folder, name), content);
    }
    const input = await page.$(`input#${field}`);
    await input!.uploadFile(...paths);
  }

  it('keeps itself on the device, and from then on needs no server', async () => {
    const response = await page.goto(server.resolvedUrls!.local[0]!);
    // Workers have the policy that their files come with; the page has it in itself, too.
    expect(response!.headers()['content-security-policy']).toBe(contentPolicy);
    expect(await page.$eval('meta[http-equiv]', (meta) => meta.getAttribute('content'))).toBe(contentPolicy);
    expect(await page.evaluate('document.characterSet')).toBe('UTF-8');
    await page.waitForFunction(`document.querySelector('#offline').textContent !== ''`);
    await server.close();
    await page.reload();
    expect(await textOf('h1')).toBe('Espalier playground');
  });

  it('trains to the losses of the command, to the bit, and shows masks and attention on the way', async () => {
    await set('epochs', String(EPOCHS));
    await page.evaluate(`
      window.said = [];
      new MutationObserver(() => said.push(document.querySelector('#status').textContent))
        .observe(document.querySelector('#status'), { childList: true });`);
    // By the keyboard alone.
    await page.focus('#columns');
    await page.keyboard.press('Enter');
    expect(await untilDone()).toEqual({ status: 'Done: the results are below.', error: '' });
    const heard = (await page.evaluate('said')) as string[];
    expect(heard.filter((line) => line.startsWith('Training'))).toEqual(
      ['dense', ...STRATEGIES].map((name, i) => `Training ${name}, ${i + 1} of 3, with WebAssembly.`),
    );
    const names = await page.$$eval('#table-of-results tbody tr', (rows) =>
      rows.map((row) => row.querySelector('td')!.textContent),
    );
    expect(names).toEqual(['dense', ...STRATEGIES]);
    const drawn = await page.$$eval('#running figure svg', (plots) =>
      plots.map((plot) => [plot.getAttribute('aria-label'), plot.querySelectorAll('path').length > 0]),
    );
    expect(drawn).toEqual(
      [
        'Training loss, dense',
        ...['Training loss, magnitude', 'Kept blocks, magnitude'],
        ...['Training loss,', 'Kept blocks,', 'Block factors,'].map((what) => `${what} ${STRATEGIES[1]}`),
      ].map((label) => [label, true]),
    );
    const { rows } = JSON.parse((await downloaded('#summary', 'summary.json')).toString()) as Summary;
    await byCommand;
    const command = JSON.parse(await readFile(join(folder, 'run/summary.json'), 'utf8')) as Summary;
    const bits = (of: Summary['rows']) =>
      of.map(({ pruner, metrics, fingerprint, achieved }) => ({ pruner, metrics, fingerprint, achieved }));
    expect(bits(rows)).toEqual(bits(command.rows));
  });

  it('says the same as its plots in numbers', async () => {
    // The masks of the second strategy.
    const details = '.trial:last-child > div > div:nth-child(2) details';
    await page.click(`${details} summary`);
    await page.waitForSelector(`${details} td`);
    const cells = await page.$$eval(`${details} :is(th, td)`, (found) =>
      found.map((cell) => cell.textContent),
    );
    // max(1, round(512 · 0.1)) of 32 × 16 blocks.
    expect(cells).toEqual(['layer', 'blocks', 'kept', 'dense_1', '512', '51']);
  });

  it('hands out a compressed model that stock tfjs loads, with the same outputs', async () => {
    const files = unzipSync(await downloaded('#speeds tbody tr:last-child button', `${STRATEGIES[1]}.zip`));
    const modelJson = JSON.parse(
      new TextDecoder().decode(files[`${STRATEGIES[1]}/model.json`]),
    ) as tf.io.ModelJSON;
    const weights = files[`${STRATEGIES[1]}/weights.bin`]!;
    expect(modelJson.weightsManifest[0]!.paths).toEqual(['weights.bin']);
    const model = await tf.loadLayersModel(
      tf.io.fromMemory({
        modelTopology: modelJson.modelTopology,
        weightSpecs: modelJson.weightsManifest[0]!.weights,
        weightData: weights.slice().buffer,
      }),
    );
    expect(model.layers.map((layer) => layer.getClassName())).toEqual(['BlockSparseDense']);
    const { test } = await plantedBlocks.load({ seed: 0, dataFolder: '' });
    const { inputs, targets } = await test.gather(Array.from({ length: test.count }, (_, i) => i));
    const outputs = model.predict(tf.tensor(inputs[0]!, [test.count, 256])) as tf.Tensor;
    const loss = plantedBlocks.task.loss(outputs, tf.tensor(targets, [test.count, 128])).dataSync()[0]!;
    const shown = await textOf('#table-of-results tbody tr:last-child td:nth-child(2)');
    expect(Math.abs(loss - Number(shown))).toBeLessThan(1e-4);
  });

  it.each([375, 1920])('is as wide as the window at %i pixels, with text that can be read', async (width) => {
    await page.setViewport({ width, height: 900 });
    const seen = (await page.evaluate(`({
      wide: document.documentElement.scrollWidth,
      // In pixels of the screen: a drawing is scaled to its column.
      smallest: Math.min(...[...document.querySelectorAll('figure svg text, td, p, label, figcaption')]
        .filter((text) => text.checkVisibility())
        .map((text) => {
          const svg = text.closest('svg');
          const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
          return scale * parseFloat(getComputedStyle(text).fontSize);
        })),
      unlabelled: [...document.querySelectorAll('input, select, button, progress')]
        .filter((field) => !field.labels?.length && !field.textContent && !field.ariaLabel).length,
    })`)) as { wide: number; smallest: number; unlabelled: number };
    expect(seen.wide).toBe(width);
    expect(seen.smallest).toBeGreaterThanOrEqual(10.9);
    expect(seen.unlabelled).toBe(0);
  });

  it('has colours of its own in the dark', async () => {
    const colour = () => page.$eval('body', (body) => getComputedStyle(body).backgroundColor);
    const scheme = (value: string) => page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
    await scheme('dark');
    expect(await colour()).toBe('rgb(21, 24, 28)');
    await scheme('light');
    expect(await colour()).toBe('rgb(255, 255, 255)');
  });

  it('stops when it is told to', async () => {
    await set('epochs', '1000');
    await page.click('#train');
    await page.waitForFunction(`document.querySelector('#status').textContent.startsWith('Training')`);
    await page.click('#stop');
    expect(await untilDone()).toEqual({ status: 'Stopped.', error: '' });
  });

  it('trains on a table of one’s own, and says in a line what is wrong with one', async () => {
    await set('data', 'table');
    await set('epochs', '2');
    // Scores by the inputs of layers, which the experiment has from the training rows.
    await set('second', 'wanda');
    const lines = Array.from(
      { length: 200 },
      (_, i) => `${i % 13};${(i * i) % 17};${i % 13 > 6 ? 'high' : 'low'}`,
    );
    await chosen('table', { 'bad.csv': `a,kind\n${'1,x\n'.repeat(9)}` });
    await page.click('#train');
    expect((await untilDone()).error).toBe(
      "bad.csv: 'kind' has one class alone, 'x': give examples of two at least",
    );
    await chosen('table', { 'mine.csv': `"a, cm";b;kind\n${lines.join('\n')}\n` });
    await page.waitForFunction(`document.querySelector('#column').value === 'kind'`);
    await page.click('#train');
    expect(await untilDone()).toEqual({ status: 'Done: the results are below.', error: '' });
    const heads = await page.$$eval('#table-of-results thead th', (found) =>
      found.map((head) => head.textContent),
    );
    expect(heads).toContain('accuracy');
  });

  it('trains on images of one’s own, and says which cannot be read', async () => {
    await set('data', 'images');
    await set('second', '');
    await set('rows', '4');
    await set('columns', '4');
    const images = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [
        `${i % 2 ? 'dark' : 'light'}-${i}.bmp`,
        bitmap(i % 2 ? 40 : 200),
      ]),
    );
    await chosen('files', { ...images, 'dark-99.bmp': 'no image' });
    await page.click('#train');
    expect((await untilDone()).error).toBe(
      'dark-99.bmp is no image that this browser reads: mend it or leave it out',
    );
    await chosen('files', images);
    await page.click('#train');
    expect(await untilDone()).toEqual({ status: 'Done: the results are below.', error: '' });
  });

  it('reads no more of them when it is stopped, and what was read says nothing more', async () => {
    await page.evaluate(`
      window.decoded = 0;
      window.decodes = createImageBitmap;
      window.createImageBitmap = async (file) => {
        decoded++;
        await new Promise((resolve) => setTimeout(resolve, 5));
        return decodes(file);
      };`);
    const images = Object.fromEntries(
      Array.from({ length: 150 }, (_, i) => [`${i % 2 ? 'dark' : 'light'}-${i}.bmp`, bitmap(i)]),
    );
    await chosen('files', images);
    await page.click('#train');
    await page.waitForFunction(`document.querySelector('#status').textContent.startsWith('Reading images')`);
    await page.click('#stop');
    const count = (await page.evaluate('decoded')) as number;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await page.evaluate('decoded')).toBe(count);
    expect(await untilDone()).toEqual({ status: 'Stopped.', error: '' });
    await page.evaluate('window.createImageBitmap = decodes');
  });

  it('says so in a line where what shows the results cannot be loaded', async () => {
    const fresh = await browser.newPage();
    await fresh.goto(page.url());
    const kept = `(await caches.open((await caches.keys())[0]))`;
    const outcome = `(await ${kept}.keys()).find(({ url }) => url.includes('/outcome-'))`;
    await fresh.evaluate(`(async () => {
      const file = ${outcome};
      window.again = await ${kept}.match(file);
      window.file = file;
      await ${kept}.delete(file);
      document.querySelector('#epochs').value = '1';
      document.querySelector('#second').value = '';
      document.querySelector('#train').click();
    })()`);
    await fresh.waitForFunction(`!document.querySelector('#error').hidden`, { timeout: 60_000 });
    expect(await fresh.$eval('#error', (box) => box.textContent)).toMatch(/Failed to fetch.*outcome-/);
    expect(await fresh.$eval('#status', (line) => line.textContent)).toBe('There are no results.');
    await fresh.evaluate(`(async () => ${kept}.put(file, again))()`);
    await fresh.close();
  });

  it('has said nothing to the console, and asked nobody else for anything', () => {
    expect(said).toEqual([]);
    const own = new URL(asked[0]!).origin;
    const others = asked.filter((url) => !url.startsWith(own) && !/^(data|blob):/.test(url));
    expect(others).toEqual([]);
  });
});

/** 4 × 4 pixels of one grey, 24 bits each. */
function bitmap(grey: number): Uint8Array {
  const bytes = new Uint8Array(54 + 48).fill(grey);
  const view = new DataView(bytes.buffer);
  bytes.fill(0, 0, 54);
  bytes.set([0x42, 0x4d]);
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, 54, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, 4, true);
  view.setInt32(22, 4, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  return bytes;
}
