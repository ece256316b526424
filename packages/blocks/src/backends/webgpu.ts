/** Registers this package's kernels for the backend `webgpu`, in WGSL, at import, whether that backend is there or not. */
import { kernels } from '../generated/webgpu-kernels.js';
import { registerWebgpuKernel, type WebgpuKernel } from './webgpu/program.js';

for (const [name, kernel] of Object.entries(kernels)) {
  registerWebgpuKernel(name, kernel as WebgpuKernel<unknown>);
}
