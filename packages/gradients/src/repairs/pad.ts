/** `pad` on webgpu puts the elements of more than four axes in wrong places: it is done there axis by axis. */
import * as tf from '@tensorflow/tfjs';

import { around } from '../axes.js';
import { composed, outcome, type Repair } from '../repair.js';

export const pad: Repair = {
  kernels: {
    webgpu: {
      PadV2: (stock) => (call) => {
        if (call.inputs['x']!.rank <= 4) return stock(call);
        return composed(({ inputs, attrs, backend }) => {
          const paddings = attrs['paddings'] as [number, number][];
          return paddings.reduce((x, [before, after], axis) => {
            if (before === 0 && after === 0) return x;
            const padding = [
              [0, 0],
              [before, after],
              [0, 0],
            ];
            const call = { inputs: { x: around(x, axis) }, attrs: { ...attrs, paddings: padding }, backend };
            const shape = [...x.shape];
            shape[axis]! += before + after;
            return tf.reshape(outcome(stock, call), shape);
          }, tf.clone(inputs['x']!));
        })(call);
      },
    },
  },
};
