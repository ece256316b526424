/**
 * Files that say what they hold, for any model and any handler of tfjs: a checksum of the topology and one of each weight,
 * which are saved with the model and compared before anything is built of what is loaded.
 */
import { checksum, describeValue } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { handlerOf } from './handler.js';
import { assertReadable } from './readable.js';
import { bytesOfWeights } from './weight-bytes.js';

/** Where the checksums stand among what the user has put down of the model. */
const FIELD = 'espalierChecksums';
const DIGITS = 8;

type Metadata = NonNullable<tf.io.ModelArtifacts['userDefinedMetadata']>;

/**
 * A handler that saves and loads as another, with checksums: `model.save(checked('file://model'))`, and
 * `tf.loadLayersModel(checked('file://model/model.json'))`. They stand in the model's user-defined metadata while it is a
 * file, and are taken out when it is loaded. What a file holds is compared before tfjs sees it.
 *
 * @param handler a handler of tfjs, or what tfjs finds one for: a URL or a path
 * @returns a handler whose `load` throws a RangeError for a file that is damaged, with the name of the weight that is, or
 *   that was saved without checksums
 * @throws TypeError for what is neither
 */
export function checked(handler: tf.io.IOHandler | string): tf.io.IOHandler {
  const { save, load } = handlerOf(handler, 'checked()');
  return {
    ...(save && { save: (artifacts) => save(withChecksums(artifacts)) }),
    ...(load && {
      load: async () => {
        const artifacts = await load();
        assertReadable(artifacts);
        return compared(artifacts);
      },
    }),
  };
}

function withChecksums(artifacts: tf.io.ModelArtifacts): tf.io.ModelArtifacts {
  const users: Metadata = artifacts.userDefinedMetadata ?? {};
  const weights = bytesOfWeights(artifacts);
  const sums = sumOfTopology(artifacts, users) + weights.map(({ bytes }) => checksum(bytes)).join('');
  return { ...artifacts, userDefinedMetadata: { ...users, [FIELD]: sums } };
}

function compared(artifacts: tf.io.ModelArtifacts): tf.io.ModelArtifacts {
  const { [FIELD]: sums, ...users }: Metadata = artifacts.userDefinedMetadata ?? {};
  if (typeof sums !== 'string') {
    refuse(
      `has no checksums, but ${describeValue(sums)}: it was not saved by checked(), or they are damaged`,
    );
  }
  if (sums.slice(0, DIGITS) !== sumOfTopology(artifacts, users)) {
    refuse('has another topology, or other shapes of weights, than were saved');
  }
  const weights = bytesOfWeights(artifacts);
  if (sums.length !== DIGITS * (1 + weights.length)) {
    refuse(`has ${weights.length} weights, and checksums of ${sums.length / DIGITS - 1}`);
  }
  weights.forEach(({ name, bytes }, i) => {
    const saved = sums.slice(DIGITS * (i + 1), DIGITS * (i + 2));
    const own = checksum(bytes);
    if (own !== saved)
      refuse(`has a ${name} other than what was saved: its checksum is ${own}, not ${saved}`);
  });
  // What a stream would bring has not been compared.
  const { getWeightStream: _, userDefinedMetadata: __, ...rest } = artifacts;
  return { ...rest, ...(Object.keys(users).length > 0 && { userDefinedMetadata: users }) };
}

/** Of all but the weights: what they are read by is part of it. JSON is the same text once it was written and read. */
function sumOfTopology(artifacts: tf.io.ModelArtifacts, users: Metadata): string {
  const { modelTopology, weightSpecs = [], trainingConfig = null, signature = null } = artifacts;
  const topology =
    modelTopology instanceof ArrayBuffer ? checksum(new Uint8Array(modelTopology)) : modelTopology;
  const text = JSON.stringify([topology ?? null, weightSpecs, trainingConfig, signature, users]);
  return checksum(tf.util.encodeString(text, 'utf-8'));
}

function refuse(why: string): never {
  throw new RangeError(`The model's file ${why}. Load it anew, or from another copy`);
}
