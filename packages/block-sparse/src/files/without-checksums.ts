/** For files whose weights were changed on purpose after they were saved. */
import type * as tf from '@tensorflow/tfjs';

import { NO_CHECKSUM } from '../layers/layer-checksum.js';
import { handlerOf } from './handler.js';
import { assertReadable } from './readable.js';
import { bytesOfWeights } from './weight-bytes.js';

/**
 * A handler that loads as another, and believes of the block-sparse layers what the file holds: for one that was quantised,
 * or edited, after it was saved. `tf.loadLayersModel(withoutChecksums(handler))`; saved again, the model carries the
 * checksums of what it is then.
 *
 * @param handler a handler of tfjs, or a URL or path that tfjs has one for
 * @throws TypeError for what is neither
 */
export function withoutChecksums(handler: tf.io.IOHandler | string): tf.io.IOHandler {
  const { load } = handlerOf(handler, 'withoutChecksums()');
  if (!load) throw new TypeError('withoutChecksums() takes a handler that loads: this one has save() alone');
  return {
    load: async () => {
      const artifacts = await load();
      assertReadable(artifacts);
      if (artifacts.weightData !== undefined) bytesOfWeights(artifacts);
      const modelTopology = structuredClone(artifacts.modelTopology) as object;
      letGo(modelTopology);
      return { ...artifacts, modelTopology };
    },
  };
}

/** In every configuration of a block-sparse layer, however deep it lies. */
function letGo(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if ('block_sparse' in value) (value as Record<string, unknown>)['checksum'] = NO_CHECKSUM;
  Object.values(value).forEach(letGo);
}
