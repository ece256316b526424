/** Convolutions of images `[h, w, channels]` without padding, and batch normalisation. */
import { kernel, type Layer, parameter } from '../network.js';
import type { Node } from '../tape.js';
import { columnSquares } from './dense.js';

type Size = readonly [height: number, width: number, channels: number];

/** `y[i, j, o] = Σ x[i + p, j + q, c] W[p, q, c, o]`. */
export function convolution(name: string, size: Size, window: number, filters: number, decay = 0): Layer {
  const weight = kernel(`${name}/kernel`, [window, window, size[2], filters], decay);
  const inputs = window * window * size[2];
  return {
    name,
    parameters: [weight],
    kernels: [weight],
    trainable: true,
    apply: (pass, { shape: [batch], nodes }) => {
      const w = pass.read(weight);
      const filter = (o: number) => Array.from({ length: inputs }, (_, i) => w[i * filters + o]);
      const all = Array.from({ length: filters }, (_, o) => filter(o));
      const places = windows(nodes, batch, size, window);
      pass.meets(weight, columnSquares(pass, places.flat(), inputs));
      return {
        shape: [batch, size[0] - window + 1, size[1] - window + 1, filters],
        nodes: places.flatMap((patch) => all.map((own) => pass.tape.dot(patch, own))),
      };
    },
  };
}

/** `y[i, j, c·M + m] = Σ x[i + p, j + q, c] W[p, q, c, m]`: each channel has `M` filters of its own. */
export function depthwise(name: string, size: Size, window: number, multiplier: number): Layer {
  const channels = size[2];
  const weight = kernel(`${name}/depthwise_kernel`, [window, window, channels, multiplier], 0, 2);
  const bias = parameter(`${name}/bias`, [channels * multiplier]);
  return {
    name,
    parameters: [weight, bias],
    kernels: [weight],
    trainable: true,
    apply: (pass, { shape: [batch], nodes }) => {
      const [w, b] = [pass.read(weight), pass.read(bias)];
      const every = (from: readonly Node[], stride: number, offset: number) =>
        from.filter((_, i) => i % stride === offset);
      const outputs = channels * multiplier;
      const places = windows(nodes, batch, size, window);
      const squares = columnSquares(pass, places.flat(), window * window * channels);
      pass.meets(weight, (tap, output) => squares(tap * channels + Math.floor(output / multiplier)));
      return {
        shape: [batch, size[0] - window + 1, size[1] - window + 1, outputs],
        nodes: places.flatMap((patch) =>
          Array.from({ length: outputs }, (_, output) => {
            const channel = Math.floor(output / multiplier);
            const sum = pass.tape.dot(every(patch, channels, channel), every(w, outputs, output));
            return pass.tape.add(sum, b[output]);
          }),
        ),
      };
    },
  };
}

/** What the window sees at each place, image by image and row by row: `window · window · channels` numbers. */
function windows(nodes: readonly Node[], batch: number, [h, w, channels]: Size, window: number): Node[][] {
  const seen: Node[][] = [];
  for (let image = 0; image < batch; image++) {
    for (let i = 0; i + window <= h; i++) {
      for (let j = 0; j + window <= w; j++) {
        const patch: Node[] = [];
        for (let p = 0; p < window; p++) {
          const start = ((image * h + i + p) * w + j) * channels;
          patch.push(...nodes.slice(start, start + window * channels));
        }
        seen.push(patch);
      }
    }
  }
  return seen;
}

/** Keras' defaults. */
const EPSILON = 1e-3;
const MOMENTUM = 0.99;

/**
 * `γ (x − μ) / √(σ² + ε) + β`, with mean and variance of each channel over the batch; their running means, which
 * predictions use, are remembered.
 */
export function batchNormalization(name: string, channels: number): Layer {
  const gamma = parameter(`${name}/gamma`, [channels]);
  const beta = parameter(`${name}/beta`, [channels]);
  const movingMean = parameter(`${name}/moving_mean`, [channels]);
  const movingVariance = parameter(`${name}/moving_variance`, [channels]);
  return {
    name,
    parameters: [gamma, beta, movingMean, movingVariance],
    kernels: [],
    trainable: true,
    apply: (pass, { shape, nodes }) => {
      const { tape } = pass;
      const byChannel = (channel: number) => nodes.filter((_, i) => i % channels === channel);
      const normalised = Array.from({ length: channels }, (_, channel) => {
        const own = byChannel(channel);
        const mean = pass.predicts ? tape.leaf(movingMean.values[channel]) : tape.mean(own);
        const centred = own.map((node) => tape.sub(node, mean));
        const variance = pass.predicts
          ? tape.leaf(movingVariance.values[channel])
          : tape.mean(centred.map((node) => tape.square(node)));
        const deviation = tape.sqrt(tape.plus(EPSILON, variance));
        const [scale, shift] = [pass.read(gamma)[channel], pass.read(beta)[channel]];
        const outputs = centred.map((node) => tape.add(tape.mul(scale, tape.div(node, deviation)), shift));
        return { outputs, mean: tape.value(mean), variance: tape.value(variance) };
      });
      const moved = ({ values }: { values: Float64Array }, towards: readonly number[]) =>
        towards.map((value, i) => MOMENTUM * values[i] + (1 - MOMENTUM) * value);
      pass.remember(
        movingMean,
        moved(
          movingMean,
          normalised.map(({ mean }) => mean),
        ),
      );
      pass.remember(
        movingVariance,
        moved(
          movingVariance,
          normalised.map(({ variance }) => variance),
        ),
      );
      return {
        shape,
        nodes: nodes.map((_, i) => normalised[i % channels].outputs[Math.floor(i / channels)]),
      };
    },
  };
}
