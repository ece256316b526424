/** Registers this package's kernels for the backend `cpu`, at import. */
import { kernels } from '../generated/cpu-kernels.js';
import { registerCpuKernel, type CpuKernel } from './cpu/kernel.js';

for (const [name, kernel] of Object.entries(kernels)) {
  registerCpuKernel(name, kernel as CpuKernel<string, unknown>);
}
