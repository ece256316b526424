/** What a backend lacks, and the command that mends it. */
import { existsSync, readdirSync } from 'node:fs';

import type { BackendDescription, BackendName } from './choice.js';
import { isInstalled } from './installed.js';
import { forTensorflow } from './tensorflow/remedy.js';

export interface Remedy {
  readonly missing: string | null;
  readonly remedy: string | null;
}

const nothing: Remedy = { missing: null, remedy: null };

/**
 * @param error why it did not start, one line; null when it did
 * @param log what TensorFlow printed
 */
export async function remedyFor(
  name: BackendName,
  started: BackendDescription | null,
  error: string | null,
  log = '',
): Promise<Remedy> {
  if (name === 'tensorflow') return forTensorflow(started, error, log);
  if (name === 'webgpu') return forWebgpu(started, error);
  return started ? nothing : { missing: error, remedy: 'npm install' };
}

function forWebgpu(started: BackendDescription | null, error: string | null): Remedy {
  if (started?.kind === 'gpu') return nothing;
  const absent = ['webgpu', '@tensorflow/tfjs-backend-webgpu'].filter((name) => !isInstalled(name));
  if (absent.length > 0) return { missing: absent.join(' and '), remedy: `npm install ${absent.join(' ')}` };
  if (!started && !/No WebGPU adapter/.test(error ?? '')) return { missing: error, remedy: null };
  return process.platform === 'linux' ? forVulkan() : { missing: "a GPU's driver", remedy: null };
}

/** Why Dawn sees no GPU on Linux, as far as files tell. */
function forVulkan(): Remedy {
  const asked = process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES'];
  if (asked) {
    return {
      missing: `a GPU among the drivers that VK_DRIVER_FILES names (${asked})`,
      remedy: 'unset VK_DRIVER_FILES VK_ICD_FILENAMES',
    };
  }
  if (!hasVulkanLoader()) {
    return { missing: 'the Vulkan loader', remedy: 'apt-get install libvulkan1' };
  }
  if (existsSync('/dev/nvidiactl')) {
    return hasFile(['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d'], /nvidia/)
      ? { missing: "a library that NVIDIA's Vulkan driver loads", remedy: 'apt-get install libxext6 libegl1' }
      : {
          missing: "the Vulkan part of NVIDIA's driver (in a container: NVIDIA_DRIVER_CAPABILITIES=all)",
          remedy: 'apt-get install nvidia-vulkan-icd',
        };
  }
  return existsSync('/dev/dri')
    ? { missing: 'the Vulkan driver of the card', remedy: 'apt-get install mesa-vulkan-drivers' }
    : { missing: 'a GPU: neither /dev/nvidiactl nor /dev/dri is there', remedy: null };
}

/** Whether Linux has the library by which drivers of Vulkan are found. */
export function hasVulkanLoader(): boolean {
  return hasFile(libraryFolders(), /^libvulkan\.so/);
}

function libraryFolders(): string[] {
  const asked = process.env['LD_LIBRARY_PATH']?.split(':').filter(Boolean) ?? [];
  const machines = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((machine) => `/usr/lib/${machine}`);
  return ['/usr/lib', '/usr/lib64', '/lib', '/usr/local/lib', ...machines, ...asked];
}

function hasFile(folders: readonly string[], name: RegExp): boolean {
  return folders.some((folder) => existsSync(folder) && readdirSync(folder).some((file) => name.test(file)));
}
