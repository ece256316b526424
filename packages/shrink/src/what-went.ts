/** What a shrunk model has less, and what of it stays though it is zero. */
import { matrixShape, type LayerKernel } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs';

import { layerPaths } from './graph.js';
import type { Plan, Use } from './plan.js';
import type { BeforeAndAfter } from './shrink.js';

export interface ShrunkLayer {
  /** Its path: the names from the outside in. */
  readonly name: string;
  /** Channels of its output; null where it is one that nothing is taken out of. */
  readonly units: BeforeAndAfter | null;
  readonly parameters: BeforeAndAfter;
}

/** Inputs or outputs of a kernel of which every weight is zero, and which are there still. */
export interface Stayed {
  /** `layer/kernel` */
  readonly name: string;
  /** Of a layer that nothing is taken out of: the rows and columns of its kernel's matrix. */
  readonly of: 'inputs' | 'outputs' | 'rows' | 'columns';
  readonly count: number;
  readonly reason: string;
}

export function shrunkLayers(model: tf.LayersModel, small: tf.LayersModel, plan: Plan): ShrunkLayer[] {
  const uses = new Map(plan.uses.map((use) => [use.layer, use]));
  const copies = new Map(layerPaths(small));
  return [...layerPaths(model)]
    .filter(([, layer]) => layer.weights.length > 0 && !('layers' in layer))
    .map(([name, layer]) => {
      const use = uses.get(layer);
      const output = use && use.form.kind !== 'whole' ? use.calls[0]!.outputs[0]! : null;
      return {
        name,
        units: output && { before: output.channels, after: plan.kept(output).length },
        parameters: { before: layer.countParams(), after: copies.get(name)!.countParams() },
      };
    });
}

export async function stayed(plan: Plan, kernels: readonly LayerKernel[]): Promise<Stayed[]> {
  const known = plan.uses.flatMap((use) => [...zerosOf(use, plan)]);
  const ruled = new Set(plan.uses.filter(({ form }) => form.kind !== 'whole').map(({ layer }) => layer));
  const others = kernels.filter(({ layer }) => !ruled.has(layer as unknown as tf.layers.Layer));
  const whole = await Promise.all(others.map((kernel) => zerosOfWhole(kernel, plan)));
  return counted([...known, ...whole.flat()]);
}

/** One entry for each input and output that stays. */
function* zerosOf(use: Use, plan: Plan): Generator<Stayed> {
  const { form, path, calls, layer } = use;
  const [{ inputs, outputs }] = calls as [Use['calls'][number]];
  const one = (of: Stayed['of'], value: (typeof inputs)[number], c: number): Stayed => ({
    ...{ name: `${path}/${form.kind === 'whole' ? '' : form.weights[0]!.field}`, of, count: 1 },
    reason: plan.reason(value, c, use),
  });
  if (form.kind === 'passing' && form.isZero) {
    for (const j of plan.kept(outputs[0]!)) if (form.isZero(j)) yield one('outputs', outputs[0]!, j);
  }
  if (form.kind !== 'mixing' || layer.weights.length === 0) return;
  const outs = Array.from({ length: form.outputs }, (_, j) => j);
  const ins = Array.from({ length: form.inputs }, (_, c) => c);
  for (const c of form.inputs > 0 ? plan.kept(inputs[0]!) : []) {
    if (!outs.some((j) => form.reaches(c, j))) yield one('inputs', inputs[0]!, c);
  }
  for (const j of plan.kept(outputs[0]!)) {
    const isZero = form.constants ? form.constants[j] === 0 : !ins.some((c) => form.reaches(c, j));
    if (isZero) yield one('outputs', outputs[0]!, j);
  }
}

/** Of a kernel in a layer that nothing is taken out of, or inside another. */
async function zerosOfWhole({ name, variable, kind, layer }: LayerKernel, plan: Plan): Promise<Stayed[]> {
  const use = plan.uses.find((each) => name.startsWith(`${each.path}/`));
  const reason =
    use?.form.kind === 'whole' ? use.form.why : `it is part of a layer whose channels stay, ${layer.name}`;
  if (variable.shape.length < 2 || variable.size === 0) return [];
  const [n, m] = matrixShape(variable.shape, kind);
  const numbers = await variable.data();
  const [rows, columns] = [new Uint8Array(n), new Uint8Array(m)];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) if (numbers[i * m + j] !== 0) rows[i] = columns[j] = 1;
  }
  const zeros = (bits: Uint8Array) => bits.reduce((sum, bit) => sum + 1 - bit, 0);
  return (
    [
      { name, of: 'rows', count: zeros(rows), reason },
      { name, of: 'columns', count: zeros(columns), reason },
    ] as const
  ).filter(({ count }) => count > 0);
}

/** Those of the same kernel and reason as one. */
function counted(all: readonly Stayed[]): Stayed[] {
  const sums = new Map<string, Stayed>();
  for (const entry of all) {
    const key = [entry.name, entry.of, entry.reason].join('\n');
    const count = (sums.get(key)?.count ?? 0) + entry.count;
    sums.set(key, { ...entry, count });
  }
  return [...sums.values()];
}
