/**
 * `SoftmaxAttention` and `SoftmaxAttentionGrad` in WGSL: two and three programs where tfjs' ops would be a dozen, each of
 * which takes longer to submit than to compute. Unnormalised, one is enough for either.
 *
 * A = G · softmax(L / τ), clipped to [minimum, maximum]. A first program leaves, for every workgroup, the largest
 * logit of its share and the sum of the exponentials; the others begin by putting those together.
 */
import * as tf from '@tensorflow/tfjs';

import { runShader, type WebgpuCall } from '../../backends/webgpu/program.js';
import type { AttentionAttributes } from './index.js';

type Call = WebgpuCall<AttentionAttributes>;

const THREADS = 256;
/** Logits that a workgroup of the first program takes at least. */
const LEAST_SHARE = 2 * THREADS;

/** L of any shape → A, clipped. */
function attention(call: Call): tf.TensorInfo {
  const logits = call.inputs['logits']!;
  if (!call.attributes.normalised) return exponentials(call, logits);
  const sums = sumsOfExponentials(call, logits);
  const out = run(call, {
    name: 'softmaxAttention',
    inputs: { logits, sums },
    outputShape: logits.shape,
    workgroups: workgroupsOf(logits, THREADS),
    code: `
      ${normaliser}
      fn main(index : i32) {
        let normal = normalise();
        if (index < uniforms.count) {
          result[index] = clamp(attentionOf(logits[index], normal), uniforms.minimum, uniforms.maximum);
        }
      }`,
  });
  call.backend.disposeData(sums.dataId);
  return out;
}

/** dy, L → A · (g − mean(A · g)) / τ, where g is dy where A is not clipped, and 0 elsewhere. */
function attentionGradient(call: Call): tf.TensorInfo {
  const { dy, logits } = call.inputs as { dy: tf.TensorInfo; logits: tf.TensorInfo };
  if (!call.attributes.normalised) return exponentialsGradient(call, dy, logits);
  const sums = sumsOfExponentials(call, logits);
  const shares = workgroupsOf(logits, LEAST_SHARE);
  const flow = `
    fn flowOf(i : i32, weight : f32) -> f32 {
      return select(0.0, dy[i], weight >= uniforms.minimum && weight <= uniforms.maximum);
    }`;
  const flows = run(call, {
    name: 'softmaxAttentionFlow',
    inputs: { dy, logits, sums },
    outputShape: [shares],
    workgroups: shares,
    code: `
      ${normaliser}
      ${flow}
      ${addition}
      fn main(index : i32) {
        let normal = normalise();
        var sum = 0.0;
        for (var i = index; i < uniforms.count; i += uniforms.stride) {
          let weight = attentionOf(logits[i], normal);
          sum += weight * flowOf(i, weight);
        }
        let total = add(sum);
        if (localIndex == 0u) { result[index / ${THREADS}] = total; }
      }`,
  });
  const out = run(call, {
    name: 'softmaxAttentionGradient',
    inputs: { dy, logits, sums, flows },
    outputShape: logits.shape,
    workgroups: workgroupsOf(logits, THREADS),
    code: `
      ${normaliser}
      ${flow}
      ${addition}
      fn main(index : i32) {
        let normal = normalise();
        var share = 0.0;
        if (i32(localIndex) < uniforms.shares) { share = flows[localIndex]; }
        let mean = add(share) / f32(uniforms.count);
        if (index < uniforms.count) {
          let weight = attentionOf(logits[index], normal);
          result[index] = weight * (flowOf(index, weight) - mean) / uniforms.temperature;
        }
      }`,
  });
  for (const { dataId } of [sums, flows]) call.backend.disposeData(dataId);
  return out;
}

/** Unnormalised: L → exp(L / τ), clipped. */
function exponentials(call: Call, logits: tf.TensorInfo): tf.TensorInfo {
  return run(call, {
    name: 'exponentialAttention',
    inputs: { logits },
    outputShape: logits.shape,
    workgroups: workgroupsOf(logits, THREADS),
    code: `
      fn main(index : i32) {
        if (index < uniforms.count) {
          result[index] = clamp(exp(logits[index] / uniforms.temperature), uniforms.minimum, uniforms.maximum);
        }
      }`,
  });
}

/** Unnormalised: dy, L → A · g / τ. */
function exponentialsGradient(call: Call, dy: tf.TensorInfo, logits: tf.TensorInfo): tf.TensorInfo {
  return run(call, {
    name: 'exponentialAttentionGradient',
    inputs: { dy, logits },
    outputShape: logits.shape,
    workgroups: workgroupsOf(logits, THREADS),
    code: `
      fn main(index : i32) {
        if (index < uniforms.count) {
          let weight = exp(logits[index] / uniforms.temperature);
          let within = weight >= uniforms.minimum && weight <= uniforms.maximum;
          result[index] = select(0.0, weight * dy[index] / uniforms.temperature, within);
        }
      }`,
  });
}

/** Of every share of the logits the largest, and the sum of e^((l − largest) / τ): `[2 · shares]`. */
function sumsOfExponentials(call: Call, logits: tf.TensorInfo): tf.TensorInfo {
  const shares = workgroupsOf(logits, LEAST_SHARE);
  return run(call, {
    name: 'softmaxAttentionSums',
    inputs: { logits },
    outputShape: [2 * shares],
    workgroups: shares,
    code: `
      ${combination}
      fn main(index : i32) {
        var own = nothing;
        for (var i = index; i < uniforms.count; i += uniforms.stride) { own = combine(own, vec2<f32>(logits[i], 1.0)); }
        let share = combineAll(own);
        if (localIndex == 0u) {
          result[2 * (index / ${THREADS})] = share.x;
          result[2 * (index / ${THREADS}) + 1] = share.y;
        }
      }`,
  });
}

function workgroupsOf(logits: tf.TensorInfo, each: number): number {
  const workgroups = Math.ceil(tf.util.sizeFromShape(logits.shape) / each);
  return each === THREADS ? workgroups : Math.min(THREADS, workgroups);
}

/** Pairs of a largest logit and a sum of exponentials relative to it. */
const combination = `
  const nothing = vec2<f32>(-3.4e38, 0.0);
  var<workgroup> pairs : array<vec2<f32>, ${THREADS}>;

  // Exactly 1 at zero, so that equal logits have an attention of exactly 1.
  fn exponential(difference : f32) -> f32 {
    return select(exp(difference / uniforms.temperature), 1.0, difference == 0.0);
  }
  fn combine(a : vec2<f32>, b : vec2<f32>) -> vec2<f32> {
    let largest = max(a.x, b.x);
    return vec2<f32>(largest, a.y * exponential(a.x - largest) + b.y * exponential(b.x - largest));
  }
  fn combineAll(own : vec2<f32>) -> vec2<f32> {
    pairs[localIndex] = own;
    workgroupBarrier();
    for (var half = ${THREADS / 2}u; half > 0u; half /= 2u) {
      if (localIndex < half) { pairs[localIndex] = combine(pairs[localIndex], pairs[localIndex + half]); }
      workgroupBarrier();
    }
    return pairs[0];
  }`;

/** The largest of all logits and the mean of the exponentials; attention by them. */
const normaliser = `
  ${combination}
  fn normalise() -> vec2<f32> {
    var share = nothing;
    if (i32(localIndex) < uniforms.shares) { share = vec2<f32>(sums[2 * localIndex], sums[2 * localIndex + 1]); }
    let all = combineAll(share);
    let count = f32(uniforms.count);
    return vec2<f32>(all.x, select(all.y / count, 1.0, all.y == count));
  }
  fn attentionOf(logit : f32, normal : vec2<f32>) -> f32 {
    let weight = exponential(logit - normal.x);
    return select(weight / normal.y, weight, normal.y == 1.0);
  }`;

const addition = `
  var<workgroup> terms : array<f32, ${THREADS}>;
  fn add(own : f32) -> f32 {
    terms[localIndex] = own;
    workgroupBarrier();
    for (var half = ${THREADS / 2}u; half > 0u; half /= 2u) {
      if (localIndex < half) { terms[localIndex] += terms[localIndex + half]; }
      workgroupBarrier();
    }
    return terms[0];
  }`;

interface Step {
  readonly name: string;
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  readonly outputShape: readonly number[];
  readonly workgroups: number;
  readonly code: string;
}

function run({ inputs: { logits }, attributes, backend }: Call, step: Step): tf.TensorInfo {
  const shares = workgroupsOf(logits!, LEAST_SHARE);
  const { temperature, minimum, maximum } = attributes;
  return runShader(backend, {
    key: step.name,
    code: step.code,
    inputs: Object.entries(step.inputs).map(([name, info]) => ({ name, info })),
    outputShape: step.outputShape,
    uniforms: { count: tf.util.sizeFromShape(logits!.shape), shares, stride: shares * THREADS },
    floatUniforms: { temperature, minimum, maximum },
    threads: THREADS,
    workgroups: step.workgroups,
  });
}

export const kernels = { SoftmaxAttention: attention, SoftmaxAttentionGrad: attentionGradient };
