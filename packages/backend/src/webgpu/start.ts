/** tfjs' webgpu backend on a device of Dawn's. */
import * as tf from '@tensorflow/tfjs';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

import { BackendError, type NamedChoice, type StartedBackend } from '../choice.js';
import { setBackend } from '../set-backend.js';
import { openAdapter, type OpenAdapter } from './adapters.js';

interface Running {
  readonly open: OpenAdapter;
  readonly started: StartedBackend;
}

/**
 * What this process computes on, as soon as it is asked for; tfjs has one webgpu backend. Dawn goes down with its
 * devices when the object that `create()` returned is collected, so that it is kept here. It does not keep the process
 * from ending.
 */
let running: Promise<Running> | null = null;

/**
 * @param wanted part of an adapter's name, or null for the fastest
 * @throws BackendError when there is no such adapter, or another one is in use
 */
export async function startWebgpu(wanted: string | null): Promise<StartedBackend> {
  running ??= open(wanted).catch((error: unknown) => {
    running = null;
    throw error;
  });
  const { open: used, started } = await running;
  if (started.choice !== choiceOf(wanted)) {
    throw new BackendError(
      `This process computes on ${used.name} already: start ${choiceOf(wanted)} in another`,
    );
  }
  await setBackend('webgpu');
  return started;
}

async function open(wanted: string | null): Promise<Running> {
  const open = await openAdapter(wanted);
  const device = await openDevice(open);
  const backend = await registerBackend(open, device);
  await import('@espalier/blocks/webgpu');
  const failure = failureOf(device);
  const started: StartedBackend = {
    name: 'webgpu',
    device: `WebGPU, ${open.name}${open.software ? ' (software adapter)' : ''}`,
    kind: open.software ? 'software adapter' : 'gpu',
    choice: choiceOf(wanted),
    finished: () => Promise.race([workDone(backend), failure]),
    gpuMemoryBytes: () => backend.memory().numBytesAllocatedInGPU,
    failure,
  };
  return { open, started };
}

function choiceOf(wanted: string | null): NamedChoice {
  return wanted === null ? 'webgpu' : `webgpu:${wanted}`;
}

/** A device keeps to the least that WebGPU promises, 128 MiB a tensor, unless more is asked for. */
const limits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupsPerDimension',
] as const;

async function openDevice({ adapter, name }: OpenAdapter): Promise<GPUDevice> {
  return adapter
    .requestDevice({
      requiredFeatures: adapter.features.has('timestamp-query') ? ['timestamp-query'] : [],
      requiredLimits: Object.fromEntries(limits.map((limit) => [limit, adapter.limits[limit]])),
    })
    .catch((error: Error) => {
      throw new BackendError(`The WebGPU adapter ${name} gives no device: ${oneLine(error.message)}`);
    });
}

async function registerBackend({ gpu, adapter }: OpenAdapter, device: GPUDevice): Promise<WebGPUBackend> {
  // Loaded before there is a navigator.gpu, it does not register a backend of its own.
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu').catch((error: Error) => {
    throw new BackendError(
      `The webgpu backend is not installed: npm install @tensorflow/tfjs-backend-webgpu (${oneLine(error.message)})`,
    );
  });
  const backend = withNavigator(gpu, () => new WebGPUBackend(device, adapter.info));
  if (!tf.registerBackend('webgpu', () => backend)) {
    throw new BackendError('This process has registered a webgpu backend of its own: start ours before it');
  }
  return backend;
}

/** tfjs looks for `navigator.gpu` when it makes its backend, and never again. */
function withNavigator<T>(gpu: GPU, make: () => T): T {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  try {
    return make();
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before);
    else Reflect.deleteProperty(globalThis, 'navigator');
  }
}

/** Rejects at the first error that the device reports; what follows it are its consequences. */
function failureOf(device: GPUDevice): Promise<never> {
  const failure = new Promise<never>((_, reject) => {
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      reject(new BackendError(`The WebGPU device failed: ${oneLine(event.error.message)}`));
    });
    void device.lost.then(({ reason, message }) =>
      reject(new BackendError(`The WebGPU device was lost (${reason}): ${oneLine(message)}`)),
    );
  });
  failure.catch(() => {});
  return failure;
}

async function workDone(backend: WebGPUBackend): Promise<void> {
  // tfjs submits its commands by the dozen: hand over what it still holds.
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.submitQueue();
  await backend.queue.onSubmittedWorkDone();
}

function oneLine(message: string): string {
  return message.split('\n')[0]?.trim() ?? '';
}
