/**
 * `cast` to float32 on webgpu only calls whole numbers and truth values so: `transpose`, for one, then reads what was in memory
 * before. They are made numbers.
 */
import * as tf from '@tensorflow/tfjs';

import { composed, outcome, type Repair } from '../repair.js';

export const cast: Repair = {
  kernels: {
    webgpu: {
      Cast: (stock) => (call) => {
        const { dtype } = call.inputs['x']!;
        const renamed = call.attrs['dtype'] === 'float32' && (dtype === 'int32' || dtype === 'bool');
        return renamed ? composed((own) => tf.mul(outcome(stock, own), 1))(call) : stock(call);
      },
    },
  },
};
