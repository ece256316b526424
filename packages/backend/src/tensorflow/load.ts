/**
 * Loads the npm package of the native backend. It is CommonJS, of 2018, and asks for things that are not as it expects:
 *
 * - tfjs: it is given the application's one copy, wherever it lies itself; with another, no tensor of the application
 *   would be known to it;
 * - `util`: it is given one with `isArray` and `isNullOrUndefined`, which Node 23 took away;
 * - `@mapbox/node-pre-gyp`, by which it finds its addon: it is given the place of the one that was compiled.
 *
 * Only what asks from within the package is answered so, and only while it loads.
 */
import { existsSync, realpathSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { sep } from 'node:path';
import util from 'node:util';

import { useNativeKernels, type TensorflowBackend } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { kernelsIn } from './cache.js';

/** Of Node's CommonJS, what takes a stand-in: there are no hooks for it in Node 20. */
interface Loader {
  _cache: Record<string, unknown>;
  _resolveFilename(
    request: string,
    parent: { filename?: string | null } | undefined,
    ...rest: unknown[]
  ): string;
}

const loader = Module as unknown as Loader;
const application = createRequire(import.meta.url);

/**
 * @param folder the package's
 * @param binary the compiled addon; when absent, the package finds its own
 * @throws what the package throws, as where its addon does not load
 */
export function loadPackage(folder: string, binary?: string): void {
  const standIns = new Map<string, object>([['util', utilOfOld()]]);
  if (binary !== undefined) standIns.set('@mapbox/node-pre-gyp', { find: () => binary });
  withAnswers(realpathSync(folder), standIns, () => application(folder));
}

/**
 * Registers our own kernels that lie beside an addon with its TensorFlow: for the backend of the moment.
 *
 * @returns whether there are any
 */
export function loadKernels(packageFolder: string): boolean {
  const file = kernelsIn(packageFolder);
  if (!existsSync(file)) return false;
  application(file);
  useNativeKernels(tf.backend() as unknown as TensorflowBackend);
  return true;
}

function utilOfOld(): object {
  return {
    ...util,
    isArray: Array.isArray,
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
  };
}

function withAnswers(folder: string, standIns: ReadonlyMap<string, object>, load: () => void): void {
  const nameOf = (request: string) => `espalier:in-place-of:${request}`;
  const resolve = loader._resolveFilename;
  for (const [request, exports] of standIns) {
    loader._cache[nameOf(request)] = Object.assign(new Module(nameOf(request)), { exports, loaded: true });
  }
  loader._resolveFilename = function (request, parent, ...rest) {
    if (parent?.filename?.startsWith(folder + sep)) {
      if (standIns.has(request)) return nameOf(request);
      if (request.startsWith('@tensorflow/tfjs')) return application.resolve(request);
    }
    return resolve.call(this, request, parent, ...rest);
  };
  try {
    load();
  } finally {
    loader._resolveFilename = resolve;
    for (const request of standIns.keys()) delete loader._cache[nameOf(request)];
  }
}
