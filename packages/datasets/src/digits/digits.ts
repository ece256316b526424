/**
 * Handwritten digits of 8 × 8 pixels: the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin and
 * C. Kaynak, UCI Machine Learning Repository, 1998; CC BY 4.0), which scikit-learn calls `load_digits`. Real data that
 * is within the package, for Node and browsers.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

import type { DataSet, MemoryExamples } from '../examples.js';
import { inMemory } from '../memory.js';
import { permutation, random } from '../random.js';
import { packed } from './bytes.js';

const COUNT = 1797;
const PIXELS = 64;
const GREATEST = 16;
const TEST_COUNT = 360;

export interface Digits extends DataSet {
  readonly train: MemoryExamples;
  readonly test: MemoryExamples;
}

/**
 * 1,437 examples to train on and 360 to test on, drawn once and for all. An input is 64 pixels from 0 to 1, row by row;
 * a label is a class from 0 to 9.
 *
 * The draw is over writers too, of whom there are 13 in the file's order, and who are not named: a network has seen the
 * hands that it is tested on.
 */
export async function loadDigits(): Promise<Digits> {
  const bytes = await inflated(packed);
  const order = permutation(COUNT, random(0, 'digits/test'));
  const part = (from: number, to: number) => examples(bytes, order.slice(from, to).sort());
  return {
    train: part(TEST_COUNT, COUNT),
    test: part(0, TEST_COUNT),
    classes: [...'0123456789'],
    digest: () => bytesToHex(sha256(utf8ToBytes(`digits ${TEST_COUNT} ${packed}`))).slice(0, 16),
  };
}

async function inflated(base64: string): Promise<Uint8Array> {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function examples(bytes: Uint8Array, indices: Int32Array): MemoryExamples {
  const pixels = new Float32Array(indices.length * PIXELS);
  indices.forEach((index, i) => {
    for (let j = 0; j < PIXELS; j++) {
      pixels[i * PIXELS + j] = (bytes[index * PIXELS + j] as number) / GREATEST;
    }
  });
  const labels = Int32Array.from(indices, (index) => bytes[COUNT * PIXELS + index] as number);
  return inMemory([{ shape: [PIXELS], type: 'float32', values: pixels }], {
    shape: [],
    type: 'int32',
    values: labels,
  });
}
