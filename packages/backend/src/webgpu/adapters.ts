/** WebGPU outside a browser: Dawn, Chromium's implementation, through the npm package `webgpu`. */
import { BackendError } from '../choice.js';

export interface OpenAdapter {
  /** To be kept for as long as a device of it is used. */
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  /** As Dawn calls it. */
  readonly name: string;
  /** It computes on the processor. */
  readonly software: boolean;
}

/** What tfjs' backend looks up in the global scope, where a browser has it. */
const browserGlobals = ['GPUBuffer', 'GPUBufferUsage', 'GPUMapMode', 'GPUTexture', 'GPUTextureUsage'];

const noAdapter =
  'No WebGPU adapter is present: the webgpu backend needs a graphics driver with Vulkan (on Debian: apt-get ' +
  'install libvulkan1, and the driver of the card), Metal or D3D12; espalier doctor shows what there is';

/**
 * Opens the adapter whose name contains `wanted`; or else the one that Dawn puts first for speed, unless that is a
 * software adapter and there is another.
 *
 * @throws BackendError when there is none
 */
export async function openAdapter(wanted: string | null): Promise<OpenAdapter> {
  const names = await adapterNames();
  if (names.length === 0) throw new BackendError(noAdapter);
  if (wanted !== null) {
    const name = names.find((candidate) => contains(candidate, wanted));
    if (name !== undefined) return open(names, name);
    throw new BackendError(`No WebGPU adapter is called ${wanted}: there is ${names.join(', ')}`);
  }
  const first = await open(names, null);
  for (const name of first.software ? names : []) {
    const other = name === first.name ? first : await open(names, name);
    if (!other.software) return other;
  }
  return first;
}

/** @param wanted the adapter's whole name, or null for Dawn's own choice */
async function open(names: readonly string[], wanted: string | null): Promise<OpenAdapter> {
  const { create } = await loadDawn();
  const gpu = create(wanted === null ? [] : [`adapter=${wanted}`]);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new BackendError(noAdapter);
  // What the adapter says of itself is its name in lower case, all but letters and digits made hyphens.
  const { device } = adapter.info;
  const name = wanted ?? names.find((candidate) => slug(candidate) === slug(device)) ?? device;
  return { gpu, adapter, name, software: isSoftware(adapter.info, name) };
}

/** The names of the adapters that Dawn sees, each once. */
export async function adapterNames(): Promise<string[]> {
  const { create } = await loadDawn();
  // Dawn lists them in its complaint about a name that none has.
  const complaint = await create(['adapter=<none>'])
    .requestAdapter()
    .then(
      () => '',
      (error: Error) => error.message,
    );
  return [...new Set([...complaint.matchAll(/name: '([^']*)'/g)].map((match) => match[1] as string))];
}

async function loadDawn(): Promise<typeof import('webgpu')> {
  const dawn = await import('webgpu').catch((error: Error) => {
    throw new BackendError(
      'The webgpu backend is not installed: npm install webgpu @tensorflow/tfjs-backend-webgpu ' +
        `(${error.message.split('\n')[0]})`,
    );
  });
  const globals = dawn.globals as Record<string, unknown>;
  for (const name of browserGlobals) {
    if (name in globalThis) continue;
    Object.defineProperty(globalThis, name, { value: globals[name], configurable: true, writable: true });
  }
  return dawn;
}

/** Drivers that compute on the processor without calling themselves fallback adapters. */
const softwareDrivers = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i;

function isSoftware(info: GPUAdapterInfo, name: string): boolean {
  const words = [name, info.description, info.device, info.architecture].join(' ');
  return isFallback(info) || softwareDrivers.test(words);
}

/** Newer than the types that are installed with Dawn. */
function isFallback(info: GPUAdapterInfo & { readonly isFallbackAdapter?: boolean }): boolean {
  return info.isFallbackAdapter === true;
}

function contains(name: string, part: string): boolean {
  return name.toLowerCase().includes(part.toLowerCase());
}

function slug(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}
