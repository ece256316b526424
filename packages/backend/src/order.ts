/** The order in which `auto` takes backends. */
import { anObject, assertArgument, listOf } from '@espalier/blocks';

import type { BackendDescription } from './choice.js';

/** One place of the order: a backend, on a device of one kind. */
export interface Place {
  readonly name: BackendDescription['name'];
  readonly kind: BackendDescription['kind'];
  /** What is in this place, in words. */
  readonly what: string;
}

/**
 * Fixed. A GPU is before every processor, as it gains with the size of a network: with those of the figures, milliseconds of a
 * training step of the MNIST network (784-512-512-10, batch 128) and of ResNet-20 (batch 64; on a GPU 128), wasm with a native
 * library is ahead of webgpu. Among processors the faster is before the slower, with such a library. A software adapter has no
 * place: it is a GPU for tests alone.
 */
export const backendOrder: readonly Place[] = [
  // Not measured on a card. Before webgpu for its convolutions, which are cuDNN's: on the processor alone its ResNet-20
  // takes 433 ms, 148 images/s, beside webgpu's 181 on an H200.
  { name: 'tensorflow', kind: 'gpu', what: 'tensorflow on a GPU' },
  // 11.7 and (batch 128) 707 ms on an H200. It gains as networks grow: 4096-4096-4096-10 at batch 1024 takes 12.2 ms.
  { name: 'webgpu', kind: 'gpu', what: 'webgpu on a GPU' },
  // 5.2 and 282 ms with a BLAS library, 9.3 and 465 without any: one thread of an AMD EPYC.
  { name: 'wasm', kind: 'processor', what: 'wasm' },
  // 10 and 433 ms on the same thread, by TensorFlow 2.19: eager calls cost what its kernels win.
  { name: 'tensorflow', kind: 'processor', what: 'tensorflow on the processor' },
  // Plain JavaScript, for tests: many times slower than wasm; where there is no WebAssembly SIMD.
  { name: 'cpu', kind: 'processor', what: 'cpu' },
];

/**
 * What has a place, in the order in which `auto` takes it; `auto` is the first.
 *
 * @throws TypeError for what is no list of backends
 */
export function inOrder<T extends Pick<BackendDescription, 'name' | 'kind'>>(present: readonly T[]): T[] {
  assertArgument('inOrder()', 'present', present, listOf(aBackend, 'a list of backends'));
  return backendOrder.flatMap((place) => present.filter((one) => isIn(place, one)));
}

/**
 * What comes before a backend in the order: why `auto` takes it is that nothing of this is present. All of it for one that
 * has no place.
 *
 * @throws TypeError for what is no backend
 */
export function placesBefore(taken: Pick<BackendDescription, 'name' | 'kind'>): readonly Place[] {
  assertArgument('placesBefore()', 'taken', taken, aBackend);
  const at = backendOrder.findIndex((place) => isIn(place, taken));
  return at < 0 ? backendOrder : backendOrder.slice(0, at);
}

const aBackend = anObject('a backend, with its name and kind', { name: 'string', kind: 'string' });

function isIn(place: Place, { name, kind }: Pick<BackendDescription, 'name' | 'kind'>): boolean {
  return place.name === name && place.kind === kind;
}
