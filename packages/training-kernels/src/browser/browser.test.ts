import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createViteServer } from 'vitest/node';
import { expectClose } from '../test-support.js';
import { trainSmallNetwork } from './train.js';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
const WASM_BINARIES = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
const CHROMIUM = [process.env['CHROME_PATH'], '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path && existsSync(path),
);

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

describe.skipIf(!CHROMIUM)('in headless Chromium', () => {
  it.each([
    ['an ordinary page', {}, false],
    ['a cross-origin isolated page', ISOLATION, true],
  ])('%s trains to the losses of Node', { timeout: 90_000 }, async (_, headers, isolated) => {
    await tf.setBackend('wasm');
    const expected = trainSmallNetwork();
    expect(expected.at(-1)!).toBeLessThan(expected[0]!);
    const result = await trainInChromium(headers);
    expect(result.error).toBeUndefined();
    expect([result.backend, result.isolated]).toEqual(['wasm', isolated]);
    expectClose(result.losses, expected, 1e-4);
  });
});

async function trainInChromium(headers: Record<string, string>): Promise<PageResult> {
  const folder = await mkdtemp(join(tmpdir(), 'espalier-browser-'));
  const server = await createViteServer({
    root: PACKAGE,
    configFile: false,
    appType: 'custom',
    cacheDir: join(folder, 'vite'),
    logLevel: 'error',
    server: { port: 0, headers },
    optimizeDeps: { include: ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'] },
  });
  const result = new Promise<PageResult>((resolve) => {
    server.middlewares.use('/result', (request, response) => {
      response.end();
      void bodyOf(request).then((body) => resolve(JSON.parse(body) as PageResult));
    });
  });
  server.middlewares.use('/tfjs-wasm', (request, response) => {
    response.setHeader('Content-Type', 'application/wasm');
    void readFile(join(WASM_BINARIES, basename(request.url!))).then((binary) => response.end(binary));
  });
  server.middlewares.use('/page', (_request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><script type="module" src="/src/browser/page.ts"></script>');
  });
  await server.listen();
  const { port } = server.httpServer!.address() as { port: number };
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    `--user-data-dir=${join(folder, 'profile')}`,
  ];
  const browser = spawn(CHROMIUM!, [...flags, `http://localhost:${port}/page`], { stdio: 'ignore' });
  try {
    return await Promise.race([result, silence(60_000)]);
  } finally {
    const closed = new Promise((resolve) => browser.once('close', resolve));
    browser.kill();
    await Promise.all([closed, server.close()]);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function silence(milliseconds: number): Promise<never> {
  await setTimeout(milliseconds, undefined, { ref: false });
  throw new Error(`The page posted nothing within ${milliseconds / 1000} s.`);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
