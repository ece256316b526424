/** WebGPU for tests, outside a browser: Dawn, on SwiftShader where Chromium has brought it, or else on the GPU. */
import { existsSync } from 'node:fs';

import * as tf from '@tensorflow/tfjs';

import './backends/webgpu.js';

export interface WebgpuForTests {
  /** Whether there is no adapter: then tests are skipped. */
  readonly absent: boolean;
  /** The adapter, or what to install to have one: for the title of a suite. */
  readonly where: string;
  /** Resolves when all is computed; rejects if the device has reported an error. */
  finished(): Promise<void>;
}

const MANIFESTS = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib64/chromium-browser/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

/** Dawn goes down with its devices when what `create()` returned is collected. */
const kept: GPU[] = [];

/** Registers the backend `webgpu`; once a process. */
export async function startWebgpu(): Promise<WebgpuForTests> {
  const manifest = MANIFESTS.find((path) => existsSync(path));
  if (manifest) Object.assign(process.env, { VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest });
  const { create, globals } = await import('webgpu');
  for (const [name, value] of Object.entries(globals)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true });
  }
  const gpu = create([]);
  kept.push(gpu);
  const adapter = await gpu.requestAdapter();
  if (!adapter) {
    const where = 'skipped, as there is no WebGPU adapter: apt-get install libvulkan1 chromium';
    return { absent: true, where, finished: () => Promise.resolve() };
  }
  const device = await adapter.requestDevice();
  const failure = new Promise<never>((_, reject) => {
    device.addEventListener('uncapturederror', ({ error }) => reject(new Error(error.message)));
  });
  failure.catch(() => {});
  // Loaded while there is no navigator.gpu it registers no backend of its own; its constructor looks for one.
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  const backend = new WebGPUBackend(device, adapter.info);
  Reflect.deleteProperty(globalThis, 'navigator');
  tf.registerBackend('webgpu', () => backend);
  const where = adapter.info.description || adapter.info.device || adapter.info.vendor;
  return {
    absent: false,
    where,
    finished: () => Promise.race([device.queue.onSubmittedWorkDone(), failure]),
  };
}
