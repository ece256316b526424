/** For tests: a page in headless Chromium, and what it posts back. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { createViteServer } from 'vitest/node';

/** Where Chromium is installed; undefined where it is not. `CHROME_PATH` comes first. */
export const CHROMIUM = [process.env['CHROME_PATH'], '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path && existsSync(path),
);

/** What tests of it are called: it tells of a missing browser where they are skipped. */
export const IN_CHROMIUM = CHROMIUM
  ? 'in headless Chromium'
  : 'in headless Chromium, which is not installed: set CHROME_PATH';

/** A browser without a GPU, and one whose WebGPU computes on the processor. */
const FLAGS = {
  none: ['--disable-gpu'],
  software: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
} as const;

export interface Page {
  /** The package's folder. Its page is `src/browser/page.ts`, which posts its result to `/result`, as JSON. */
  readonly root: string;
  /** Response headers of the page and of all that it loads. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Folders that are served beside the package's own: URL path → folder. */
  readonly folders?: Readonly<Record<string, string>>;
  /** None when absent. */
  readonly gpu?: keyof typeof FLAGS;
}

/** The folder of the WebAssembly that the tfjs wasm backend fetches. */
export function tfjsWasmFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
}

/**
 * Opens the page and waits for what it posts.
 *
 * @throws Error when it posts nothing within two minutes
 */
export async function postedBy<Result>({
  root,
  headers = {},
  folders = {},
  gpu = 'none',
}: Page): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'espalier-browser-'));
  const server = await createViteServer({
    root,
    configFile: false,
    appType: 'custom',
    cacheDir: join(folder, 'vite'),
    logLevel: 'error',
    server: { port: 0, headers },
    // All that the page comes to, so that nothing is bundled anew while it loads.
    optimizeDeps: {
      entries: ['src/browser/page.ts'],
      include: ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'],
    },
  });
  const result = new Promise<Result>((resolve) => {
    server.middlewares.use('/result', (request, response) => {
      response.end();
      void bodyOf(request).then((body) => resolve(JSON.parse(body) as Result));
    });
  });
  for (const [path, files] of Object.entries(folders)) {
    server.middlewares.use(path, (request, response) => {
      const name = basename(request.url!);
      if (name.endsWith('.wasm')) response.setHeader('Content-Type', 'application/wasm');
      void readFile(join(files, name)).then((content) => response.end(content));
    });
  }
  server.middlewares.use('/page', (_request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><script type="module" src="/src/browser/page.ts"></script>');
  });
  await server.listen();
  const { port } = server.httpServer!.address() as { port: number };
  try {
    return await whileOpen(`http://localhost:${port}/page`, () => result, gpu);
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * Opens an address and waits for what `done` promises.
 *
 * @throws Error when it is not there within two minutes
 */
export async function whileOpen<Result>(
  url: string,
  done: () => Promise<Result>,
  gpu: keyof typeof FLAGS = 'none',
): Promise<Result> {
  const profile = await mkdtemp(join(tmpdir(), 'espalier-chromium-'));
  const flags = ['--headless=new', '--no-sandbox', ...FLAGS[gpu], `--user-data-dir=${profile}`];
  const browser = spawn(CHROMIUM!, [...flags, url], { stdio: 'ignore' });
  try {
    return await Promise.race([done(), silence(120_000)]);
  } finally {
    const closed = new Promise((resolve) => browser.once('close', resolve));
    browser.kill();
    await closed;
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function silence(milliseconds: number): Promise<never> {
  await setTimeout(milliseconds, undefined, { ref: false });
  throw new Error(`The page posted nothing within ${milliseconds / 1000} s.`);
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
