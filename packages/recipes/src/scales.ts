/** What recipes run on, scale by scale, where they do not say otherwise. */
import { squares, type RecipeScale } from './recipe.js';

const STANDS_FOR = 'digits and a perceptron stand for the images and the residual network of the paper';

/** MNIST at `small`: a hundred trials of five seeds take an hour or two on two cores. */
export function onMnist(
  axes: Pick<RecipeScale, 'sparsities' | 'blockShapes'>,
  tuningTrials: number | null,
): RecipeScale {
  return {
    ...{ workload: 'mnist-mlp', ...axes, seeds: [0, 1, 2, 3, 4], tuningTrials, measure: 'accuracy' },
    standsFor: STANDS_FOR,
  };
}

/** Digits within the package: seconds. What comes out says nothing; that it runs does. */
export const onDigits: RecipeScale = {
  workload: 'digits-mlp',
  ...{ sparsities: [0.9], blockShapes: squares(4), seeds: [0, 1], tuningTrials: null },
  measure: 'accuracy',
  standsFor: STANDS_FOR,
};

/** ResNet-50 on ImageNet, in the published recipe; settings are the paper's. */
export function onImagenet(
  axes: Pick<RecipeScale, 'sparsities' | 'blockShapes'>,
  seeds: readonly number[] = [0, 1, 2],
): RecipeScale {
  return { workload: 'imagenet-resnet50', ...axes, seeds, tuningTrials: null, measure: 'accuracy' };
}
