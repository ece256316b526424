/** In headless Chromium, with two small pages on one origin in the place of the playground. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CHROMIUM, IN_CHROMIUM } from '../../../tools/in-chromium.js';
import { fillServiceWorker } from './fill-service-worker.js';

describe.skipIf(!CHROMIUM)(`the service worker ${IN_CHROMIUM}`, () => {
  let server: Server;
  let browser: Browser;
  let origin: string;
  let isDown = false;
  /** By path. */
  const served = new Map<string, string>();

  function deploy(folder: string, build: string): void {
    for (const path of served.keys()) if (path.startsWith(folder)) served.delete(path);
    const register = `<script>navigator.serviceWorker.register('./service-worker.js')</script>`;
    served.set(folder, `<title>${build}</title><link rel="icon" href="data:,">${register}`);
    served.set(`${folder}${build}.js`, `// ${build}`);
    served.set(`${folder}service-worker.js`, fillServiceWorker([`${build}.js`], build));
  }

  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = request.url!;
      if (isDown) return void request.socket.destroy();
      // As some hosts do.
      if (path.endsWith('/index.html')) return void response.writeHead(301, { location: './' }).end();
      const content = served.get(path);
      const type = path.endsWith('.js') ? 'text/javascript' : 'text/html';
      response.writeHead(content === undefined ? 404 : 200, { 'content-type': type }).end(content);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await puppeteer.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(async () => {
    await browser?.close();
    await new Promise((resolve) => server.close(resolve));
  });

  async function opened(path: string): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(`${origin}${path}`);
    // Of its own worker: one above it takes pages that have none yet.
    await page.waitForFunction(
      `navigator.serviceWorker.controller?.scriptURL === new URL('./service-worker.js', location.href).href`,
    );
    return page;
  }
  const keptIn = async (page: Page) => ((await page.evaluate('caches.keys()')) as string[]).sort();
  const cacheOf = (folder: string, build: string) => `espalier-playground ${origin}${folder} ${build}`;

  it('leaves another deployment on the origin alone', async () => {
    deploy('/a/', 'first');
    deploy('/a/b/', 'other');
    const [page, other] = [await opened('/a/'), await opened('/a/b/')];
    expect(await keptIn(page)).toEqual([cacheOf('/a/', 'first'), cacheOf('/a/b/', 'other')]);
    await page.close();
    await other.close();
  });

  it('shows the page without a network by either of its names', async () => {
    isDown = true;
    for (const path of ['/a/', '/a/index.html']) {
      const page = await opened(path);
      expect(await page.title()).toBe('first');
      await page.close();
    }
    isDown = false;
  });

  it('takes over with a new build at the next load, while a page of the old one finds its files', async () => {
    const page = await opened('/a/');
    deploy('/a/', 'second');
    await page.evaluate(`(async () => {
      const taken = new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve));
      await (await navigator.serviceWorker.ready).update();
      await taken;
    })()`);
    expect(await page.title()).toBe('first');
    expect(await page.evaluate(`fetch('./first.js').then((response) => response.text())`)).toBe('// first');
    // A page beside it does not take them away.
    const beside = await opened('/a/');
    expect(await beside.title()).toBe('second');
    expect(await page.evaluate(`fetch('./first.js').then((response) => response.text())`)).toBe('// first');
    await page.close();
    await beside.close();
  });

  it('lets go of the old build when no page is open', async () => {
    // A page that was closed can be a client of the worker for a moment yet.
    const keptByANewPage = async () => {
      const page = await opened('/a/');
      expect(await page.title()).toBe('second');
      const kept = await keptIn(page);
      await page.close();
      return kept;
    };
    await expect
      .poll(keptByANewPage, { timeout: 20_000 })
      .toEqual([cacheOf('/a/', 'second'), cacheOf('/a/b/', 'other')]);
  });
});
