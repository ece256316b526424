/** What readers of images of classes are told. */
import { availableParallelism } from 'node:os';

import { assertArgument, assertFields, isWhole } from '../arguments.js';
import type { PreparationProgress } from '../preparation.js';

export interface ClassImagesOptions {
  /** Height and width of what the model sees, in pixels; 224 when absent. */
  readonly size?: number;
  /** How many images are read and decoded at a time; as many as there are cores when absent. Pixels do not depend on it. */
  readonly concurrency?: number;
  /** Only the first so many classes, in their order. */
  readonly classes?: number;
  /** Only the first so many images of each class, in their order, of each part. */
  readonly imagesPerClass?: number;
  /** Is told how far it is where all images have to be read first: for the digest, once. */
  readonly onProgress?: (progress: PreparationProgress) => void;
}

export interface ClassImagesSettings {
  readonly size: number;
  readonly concurrency: number;
  readonly classes: number;
  readonly imagesPerClass: number;
  readonly onProgress: (progress: PreparationProgress) => void;
}

/** @throws RangeError or TypeError for an option that is not what it is to be, or that there is not */
export function settingsOf(options: ClassImagesOptions, of: string): ClassImagesSettings {
  assertFields(options, ['size', 'concurrency', 'classes', 'imagesPerClass', 'onProgress'], `${of}: options`);
  const { size = 224, concurrency = availableParallelism() } = options;
  const { classes, imagesPerClass, onProgress = () => {} } = options;
  for (const [name, value] of Object.entries({ size, concurrency, classes, imagesPerClass })) {
    if (value === undefined) continue;
    assertArgument(isWhole(value, 1), `${of}: ${name}`, value, 'a whole number of at least 1');
  }
  assertArgument(typeof onProgress === 'function', `${of}: onProgress`, onProgress, 'a function of progress');
  const limits = { classes: classes ?? Infinity, imagesPerClass: imagesPerClass ?? Infinity };
  return { size, concurrency, ...limits, onProgress };
}

/** Which of these images are asked for. */
export function withinLimits<T extends { readonly label: number }>(
  images: readonly T[],
  { classes, imagesPerClass }: Pick<ClassImagesSettings, 'classes' | 'imagesPerClass'>,
): T[] {
  const seen = new Map<number, number>();
  return images.filter(({ label }) => {
    const before = seen.get(label) ?? 0;
    seen.set(label, before + 1);
    return label < classes && before < imagesPerClass;
  });
}
