/**
 * Which channels of a graph can go: those that nothing computes with, and those that are constant, so that what they add
 * can be added to a bias.
 *
 * Channels that can only go together are a group. A group goes if every layer that computes with one of its channels can do
 * without: the weights there are zero, or lead to channels that go themselves, or the channel is constant. What goes lets
 * others go, so this is repeated until nothing more does; each step is right by itself.
 */
import type * as tf from '@tensorflow/tfjs';

import { fieldsOf } from './fields.js';
import { formOf, type Constants, type Form, type Mixing } from './forms.js';
import { Groups } from './groups.js';
import type { Call, Graph, Value } from './graph.js';

/** A layer, with what it does and all of its calls. */
export interface Use {
  readonly layer: tf.layers.Layer;
  readonly path: string;
  /** That of its first call; of a layer with weights, that of all. */
  readonly form: Form;
  /** One for each call: a layer without weights takes as many inputs, of such widths, as each gives it. */
  readonly forms: readonly Form[];
  readonly calls: readonly Call[];
}

export interface Plan {
  readonly uses: readonly Use[];
  isGone(value: Value, channel: number): boolean;
  /** The channels of a value that stay. */
  kept(value: Value): number[];
  /** A mixing layer's bias with what the inputs that go add to it; null where it has none and needs none. */
  bias(use: Use): Float32Array | null;
  /** Why a channel stays that this layer could do without. */
  reason(value: Value, channel: number, asker: Use): string;
}

/** @param paths of layers, for reasons */
export async function planOf(graph: Graph, paths: ReadonlyMap<tf.layers.Layer, string>): Promise<Plan> {
  const uses = await usesOf(graph, paths);
  const constants = await constantsOf(graph, uses);
  const groups = grouped(graph, uses);
  const pins = pinned(graph, uses, groups);
  const readers = uses.filter((use): use is Reader => use.form.kind === 'mixing' && use.form.inputs > 0);
  const gone = new Uint8Array(graph.channels);
  const isGone = ({ first }: Value, channel: number) => gone[groups.of(first + channel)] === 1;
  const known = new Map(readers.map((use) => [use, constantsAt(use.calls, constants)]));
  const witnesses = new Map(readers.map((use) => [use, new Int32Array(use.form.inputs)]));

  /** Whether a layer can do without an input channel. */
  const doesWithout = (use: Reader, input: number): boolean => {
    const { form, calls } = use;
    const constant = known.get(use)![input]!;
    if (constant === 0 || (form.isEverywhere && !Number.isNaN(constant))) return true;
    const [output] = calls[0]!.outputs;
    const counts = (j: number) => form.reaches(input, j) && !isGone(output!, j);
    // Where it was last found to be computed with it mostly still is.
    const witness = witnesses.get(use)!;
    if (counts(witness[input]!)) return false;
    for (let j = 0; j < form.outputs; j++) {
      if (!counts(j)) continue;
      witness[input] = j;
      return false;
    }
    return true;
  };

  const members = membersOf(graph, groups);
  const left = new Map(graph.values.map((value) => [value, value.channels]));
  const leavesSome = (group: number) =>
    [...members.get(group)!].every(([value, count]) => left.get(value)! > count);

  for (let goes = true; goes;) {
    const stays = new Set<number>();
    for (const use of readers) {
      const [input] = use.calls[0]!.inputs;
      for (let c = 0; c < use.form.inputs; c++) {
        const group = groups.of(input!.first + c);
        if (gone[group] === 1 || pins.has(group) || stays.has(group)) continue;
        if (!doesWithout(use, c)) stays.add(group);
      }
    }
    goes = false;
    for (const [group, values] of members) {
      if (gone[group] === 1 || pins.has(group) || stays.has(group) || !leavesSome(group)) continue;
      for (const [value, count] of values) left.set(value, left.get(value)! - count);
      gone[group] = 1;
      goes = true;
    }
  }

  const needed = new Map<number, Reader>();
  for (const use of readers) {
    for (let c = 0; c < use.form.inputs; c++) {
      const group = groups.of(use.calls[0]!.inputs[0]!.first + c);
      if (!needed.has(group) && !doesWithout(use, c)) needed.set(group, use);
    }
  }
  return {
    uses,
    isGone,
    kept: (value) =>
      Array.from({ length: value.channels }, (_, c) => c).filter((channel) => !isGone(value, channel)),
    bias: ({ form, ...use }) =>
      form.kind === 'mixing' ? biasOf({ ...use, form }, constantsAt(use.calls, constants), isGone) : null,
    reason: ({ first }, channel, asker) => {
      const group = groups.of(first + channel);
      const pin = pins.get(group);
      if (pin) return pin;
      const reader = needed.get(group);
      if (!reader) return 'one is to be left';
      return reader === asker
        ? 'other places of the channel are computed with'
        : `${reader.path} computes with it`;
    },
  };
}

type Reader = Use & { readonly form: Mixing };

async function usesOf(graph: Graph, paths: ReadonlyMap<tf.layers.Layer, string>): Promise<Use[]> {
  const callsOf = new Map<tf.layers.Layer, Call[]>();
  for (const call of graph.calls) callsOf.set(call.layer, [...(callsOf.get(call.layer) ?? []), call]);
  const uses: Use[] = [];
  for (const [layer, calls] of callsOf) {
    const forms = await Promise.all(calls.map(formOf));
    const whole = forms.find(({ kind }) => kind === 'whole') ?? severalWidths(layer, calls);
    const ofCalls = whole ? calls.map(() => whole) : forms;
    uses.push({ layer, path: paths.get(layer) ?? layer.name, form: ofCalls[0]!, forms: ofCalls, calls });
  }
  return uses;
}

/** A layer that says what shape it is given says one alone. */
function severalWidths(layer: tf.layers.Layer, calls: readonly Call[]): Form | null {
  const widths = calls.map(({ inputs, outputs }) => [inputs, outputs].flat().map(({ channels }) => channels));
  if (!fieldsOf(layer).batchInputShape || new Set(widths.map(String)).size === 1) return null;
  return { kind: 'whole', why: 'it is used at several widths, and says which one it is given' };
}

/** What each channel of each value is, where it is always the same. */
async function constantsOf(graph: Graph, uses: readonly Use[]): Promise<ReadonlyMap<Value, Constants>> {
  const formOfCall = new Map(uses.flatMap(({ calls, forms }) => calls.map((call, i) => [call, forms[i]!])));
  const constants = new Map<Value, Constants>();
  const varying = (value: Value) => constants.set(value, new Float64Array(value.channels).fill(NaN));
  graph.inputs.forEach(varying);
  for (const call of graph.calls) {
    const { inputs, outputs } = call;
    const form = formOfCall.get(call)!;
    const given = inputs.map((value) => constants.get(value)!);
    outputs.forEach(varying);
    if (form.kind === 'passing') constants.set(outputs[0]!, await form.constants(given));
    if (form.kind === 'mixing') constants.set(outputs[0]!, await mixed(form, given[0]!));
  }
  return constants;
}

async function mixed(form: Mixing, given: Constants): Promise<Constants> {
  if (form.whole) return new Float64Array(form.outputs).fill(NaN);
  if (form.constants) return form.constants;
  const sums = Float64Array.from({ length: form.outputs }, (_, j) => {
    let sum = form.bias[j]!;
    for (let c = 0; c < form.inputs; c++) {
      if (given[c] === 0 || !form.reaches(c, j)) continue;
      if (!form.isEverywhere || Number.isNaN(given[c]!)) return NaN;
      sum += given[c]! * form.sum(c, j);
    }
    return sum;
  });
  return form.activate(sums);
}

/** Channels that can only go together. */
function grouped(graph: Graph, uses: readonly Use[]): Groups {
  const groups = new Groups(graph.channels);
  const join = (one: Value, other: Value) => {
    const channels = Math.min(one.channels, other.channels); // lengths of what an embedding looks up by differ
    for (let c = 0; c < channels; c++) groups.join(one.first + c, other.first + c);
  };
  for (const { forms, calls, layer } of uses) {
    for (const [i, { inputs, outputs }] of calls.entries()) {
      const form = forms[i]!;
      if (form.kind === 'passing') {
        const [output] = outputs;
        for (let j = 0; j < output!.channels; j++) {
          for (const [from, c] of form.sources(j)) groups.join(output!.first + j, inputs[from]!.first + c);
        }
      }
    }
    if (forms[0]!.kind === 'whole') continue;
    // One layer, one set of weights: what goes in one call goes in all. So does what a layer says that it is given, as
    // that of a model inside.
    if (layer.weights.length === 0 && !fieldsOf(layer).batchInputShape) continue;
    const [first, ...others] = calls;
    for (const { inputs, outputs } of others) {
      inputs.forEach((value, i) => join(first!.inputs[i]!, value));
      outputs.forEach((value, i) => join(first!.outputs[i]!, value));
    }
  }
  return groups;
}

/** The groups that stay whatever their weights, and why. */
function pinned(graph: Graph, uses: readonly Use[], groups: Groups): ReadonlyMap<number, string> {
  const pins = new Map<number, string>();
  const pin = ({ first, channels }: Value, why: string) => {
    for (let c = 0; c < channels; c++) {
      const group = groups.of(first + c);
      if (!pins.has(group)) pins.set(group, why);
    }
  };
  for (const value of graph.outputs) pin(value, 'it is an output of the model');
  for (const value of graph.inputs) pin(value, 'it is an input of the model');
  for (const { form, path, calls } of uses) {
    for (const { inputs, outputs } of calls) {
      if (form.kind === 'mixing' && form.inputs === 0)
        for (const value of inputs) pin(value, `${path} looks up by it`);
      if (form.kind === 'mixing' && form.whole) pin(outputs[0]!, `${path} makes it: ${form.whole}`);
      if (form.kind !== 'whole') continue;
      for (const value of inputs) pin(value, `${path} takes it: ${form.why}`);
      for (const value of outputs) pin(value, `${path} makes it: ${form.why}`);
    }
  }
  return pins;
}

/** How many channels of which values are in each group. */
function membersOf(graph: Graph, groups: Groups): Map<number, Map<Value, number>> {
  const members = new Map<number, Map<Value, number>>();
  for (const value of graph.values) {
    for (let c = 0; c < value.channels; c++) {
      const group = groups.of(value.first + c);
      const counts = members.get(group) ?? new Map<Value, number>();
      counts.set(value, (counts.get(value) ?? 0) + 1);
      members.set(group, counts);
    }
  }
  return members;
}

/** What a layer's input channels are in all of its calls. */
function constantsAt(calls: readonly Call[], constants: ReadonlyMap<Value, Constants>): Constants {
  const [first, ...others] = calls.map(({ inputs }) => constants.get(inputs[0]!)!);
  return first!.map((value, c) => (others.every((other) => other[c] === value) ? value : NaN));
}

function biasOf({ form, calls }: Reader, known: Constants, isGone: Plan['isGone']): Float32Array | null {
  const bias = Float64Array.from(form.bias);
  const [input] = calls[0]!.inputs;
  let isThere = form.hasBias;
  for (let c = 0; c < form.inputs; c++) {
    const constant = known[c]!;
    if (!isGone(input!, c) || !constant || Number.isNaN(constant)) continue;
    for (let j = 0; j < form.outputs; j++) {
      if (!form.reaches(c, j)) continue;
      bias[j]! += constant * form.sum(c, j);
      isThere = true;
    }
  }
  return isThere ? Float32Array.from(bias) : null;
}
