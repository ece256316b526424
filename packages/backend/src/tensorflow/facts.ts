/** What is known of the TensorFlow in use, a line each. */
import { addonInUse, type Source } from './cache.js';
import { cudaWheels, readCudaLog, type CudaWheel } from './cuda.js';
import { describeLibrary } from './library.js';

/** @param log what TensorFlow printed when it was started */
export async function factsOf(log: string): Promise<string[]> {
  const addon = await addonInUse().catch(() => null);
  if (!addon) return [];
  const { tensorflow, source, package: npm } = addon;
  const { devices } = readCudaLog(log);
  return [
    `${describeLibrary(tensorflow)}, ${sourceText(source)}: ${tensorflow.folder}`,
    `addon of ${npm.name} ${npm.version}: ${addon.folder}`,
    ...(tensorflow.cuda === null ? [] : [`CUDA devices: ${devices.join('; ') || 'none'}`]),
    ...(tensorflow.cuda === null ? [] : librariesText(await cudaWheels(tensorflow))),
  ];
}

/** Where a TensorFlow came from, in words. */
export function sourceText(source: Source): string {
  if (source.kind === 'python') return `of ${source.command}`;
  return source.kind === 'download' ? 'downloaded from PyPI' : 'of a folder that was named';
}

/** Of the wheels that TensorFlow's names, or that are there: a line each. */
function librariesText(wheels: readonly CudaWheel[]): string[] {
  return wheels.flatMap(({ name, requirement, libraries }) => {
    if (libraries.length > 0) return `NVIDIA's ${name}: ${libraries.join(', ')}`;
    return requirement === null ? [] : `NVIDIA's ${name}: missing (${requirement})`;
  });
}
