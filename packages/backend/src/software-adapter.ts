/** A WebGPU adapter without a GPU, for tests: SwiftShader, as Chromium brings it. */
import { existsSync } from 'node:fs';

import { hasVulkanLoader } from './remedy.js';

const manifests = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib64/chromium-browser/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

/**
 * The environment in which the `webgpu` backend finds SwiftShader and nothing else; null where no Chromium has
 * brought it, or there is no Vulkan loader to find it by. It is right and slow (under a GFLOPS), and called a software adapter wherever it is reported.
 *
 * To be set before the backend starts: `Object.assign(process.env, softwareAdapter() ?? {})`.
 */
export function softwareAdapter(): Record<string, string> | null {
  const manifest = hasVulkanLoader() ? manifests.find((path) => existsSync(path)) : undefined;
  // Loaders of Vulkan before 1.3.207 know the second name alone.
  return manifest ? { VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest } : null;
}
