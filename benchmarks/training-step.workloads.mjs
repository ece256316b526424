// The networks of the training-step benchmark, and what every side starts from: a file of 32-bit floats, least byte first,
// with the weights in the order of making (of a layer the kernel, then its bias, or its normalisation's gamma and beta; as
// tfjs lays them out), the inputs, channels last, and the labels.

import { Buffer } from 'node:buffer';

import { random } from '@espalier/datasets';

export const CLASSES = 10;

export const WORKLOADS = {
  mnist: perceptron('784-512-512-10, batch 128', [784, 512, 512, CLASSES]),
  wide: perceptron('2048-2048-2048-10, batch 128', [2048, 2048, 2048, CLASSES]),
  resnet20: {
    title: 'ResNet-20 on 32 × 32 × 3, batch 64',
    inputShape: [64, 32, 32, 3],
    shapes: resnet20Shapes(),
  },
};

function perceptron(title, widths) {
  const shapes = widths.slice(1).flatMap((units, i) => [[widths[i], units], [units]]);
  return { title, inputShape: [128, widths[0]], widths, shapes };
}

/** He et al. (2016), section 4.2, with projections where the width changes. */
function resnet20Shapes() {
  const convolution = (size, inputs, filters) => [[size, size, inputs, filters], [filters], [filters]];
  const shapes = convolution(3, 3, 16);
  let inputs = 16;
  for (const filters of [16, 32, 64]) {
    for (let block = 0; block < 3; block++) {
      shapes.push(...convolution(3, inputs, filters), ...convolution(3, filters, filters));
      if (inputs !== filters) shapes.push(...convolution(1, inputs, filters));
      inputs = filters;
    }
  }
  return [...shapes, [inputs, CLASSES], [CLASSES]];
}

const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);

/** How many numbers are learnt. */
export function parametersOf({ shapes }) {
  return shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);
}

/** All that a side starts from: kernels as He et al. (2015) draw them, scales of 1, biases of 0, and noise to be learnt. */
export function startOf({ shapes, inputShape }) {
  const draws = random(0, 'training-step');
  const of = (length, draw) => Float32Array.from({ length }, draw);
  const weights = shapes.map((shape, i) => {
    if (shape.length === 1) {
      // A convolution's kernel has gamma and then beta after it, a dense layer's its bias.
      const isScale = shapes[i - 1].length === 4;
      return of(shape[0], () => (isScale ? 1 : 0));
    }
    const deviation = Math.sqrt(2 / sizeOf(shape.slice(0, -1)));
    return of(sizeOf(shape), () => deviation * draws.normal());
  });
  const inputs = of(sizeOf(inputShape), () => draws.uniform());
  const labels = of(inputShape[0], () => Math.floor(CLASSES * draws.uniform()));
  return { weights, inputs, labels };
}

export function toBytes({ weights, inputs, labels }) {
  return Buffer.concat([...weights, inputs, labels].map(({ buffer }) => new Uint8Array(buffer)));
}
