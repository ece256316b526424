/**
 * What a file can make tfjs do without end or beyond any stack, looked at before it sees it: a graph of layers that wait for one
 * another, which it would go round in for ever; one nested deeper than its recursions go.
 */
import { describeValue } from '@espalier/blocks';
import type * as tf from '@tensorflow/tfjs';

import { assertTopology } from '../graph/topology.js';

/** Of JSON, within each other: some hundred models, each inside the one before. */
const DEEPEST = 1000;

/**
 * @param modelTopology of a layers model, or of a graph model
 * @throws RangeError that says what of it is not right
 */
export function assertReadable({ modelTopology }: tf.io.ModelArtifacts): void {
  if (typeof modelTopology !== 'object' || modelTopology instanceof ArrayBuffer) return;
  for (const graph of graphsIn(modelTopology)) assertBuildable(graph);
  if (modelTopology && 'node' in modelTopology) assertTopology(modelTopology);
}

/** A model's layer, as far as its place in the graph goes. */
interface LayerPlace {
  readonly name?: unknown;
  readonly class_name?: unknown;
  readonly config?: { readonly layers?: unknown } | null;
  readonly inbound_nodes?: unknown;
}

/** Of a model; its inputs and outputs are results of layers too. */
interface Graph {
  readonly layers: readonly LayerPlace[];
  readonly input_layers?: unknown;
  readonly output_layers?: unknown;
}

/** Whether a layer is part of a graph: those of a sequence have no inputs of their own. */
function isPlaced(layer: unknown): boolean {
  return typeof layer === 'object' && layer !== null && 'inbound_nodes' in layer;
}

/**
 * The graphs of layers in a configuration, however deep.
 *
 * @throws RangeError for one that is nested deeper than any model
 */
function* graphsIn(topology: unknown): Generator<Graph> {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value: topology, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > DEEPEST) refuse(`is nested more than ${DEEPEST} deep`);
    const { layers } = value as { layers?: unknown };
    if (Array.isArray(layers) && layers.some(isPlaced)) yield value as Graph;
    for (const inner of Object.values(value)) open.push({ value: inner, depth: depth + 1 });
  }
}

/**
 * Builds the graph as tfjs does, in name alone: a layer is called on the results of others once these are there.
 *
 * @throws RangeError where layers are left that wait
 */
function assertBuildable({ layers, input_layers: inputs, output_layers: outputs }: Graph): void {
  /** By layer, how many results there are of it. */
  const made = new Map<string, number>();
  const waiting = new Map<string, { readonly from: string; readonly calls: Call[] }>();
  const ready: Call[] = [];
  let calls = 0;
  for (const layer of layers) {
    if (typeof layer !== 'object' || layer === null) continue;
    // An input is there; so is what a model inside makes of inputs of its own.
    const isThere = layer.class_name === 'InputLayer' || Array.isArray(layer.config?.layers);
    made.set(nameOf(layer), isThere ? 1 : 0);
  }
  for (const layer of layers) {
    for (const results of callsOf(layer)) {
      calls += 1;
      const call: Call = { layer: nameOf(layer), missing: 0 };
      for (const { from, index } of results) {
        if ((made.get(from) ?? 0) > index) continue;
        call.missing += 1;
        const key = `${from} ${index}`;
        if (!waiting.has(key)) waiting.set(key, { from, calls: [] });
        waiting.get(key)!.calls.push(call);
      }
      if (call.missing === 0) ready.push(call);
    }
  }
  let done = 0;
  for (let call = ready.pop(); call; call = ready.pop()) {
    done += 1;
    const index = made.get(call.layer)!;
    made.set(call.layer, index + 1);
    const key = `${call.layer} ${index}`;
    for (const other of waiting.get(key)?.calls ?? []) if (--other.missing === 0) ready.push(other);
    waiting.delete(key);
  }
  if (done === calls) {
    for (const { from, index } of [inputs, outputs]
      .flatMap((list) => callsOf({ inbound_nodes: [list] }))
      .flat()) {
      if ((made.get(from) ?? 0) <= index)
        refuse(`has ${from} among its inputs or outputs, which is not there`);
    }
    return;
  }
  const left = [...waiting.values()];
  const { from, calls: others } = left.find((each) => !made.has(each.from)) ?? left[0]!;
  refuse(
    `has a graph that cannot be built: ${others[0]!.layer} waits for ${from}, which is not there, or waits for it in turn`,
  );
}

interface Call {
  readonly layer: string;
  /** How many of its inputs there are not yet. */
  missing: number;
}

/** Everything that tfjs calls a layer by, it makes text of. */
function nameOf({ name, config }: LayerPlace): string {
  const own = (config as { name?: unknown } | null | undefined)?.name;
  if (own === undefined || own === name) return String(name);
  return refuse(`has a layer ${describeValue(name)} whose configuration is named ${describeValue(own)}`);
}

/** What a layer is called on: of each call, the results of layers. Calls that are no lists tfjs refuses. */
function callsOf(layer: LayerPlace | null): { readonly from: string; readonly index: number }[][] {
  const nodes = layer?.inbound_nodes;
  if (!Array.isArray(nodes)) return [];
  return nodes.map((node: unknown) =>
    (Array.isArray(node) ? (node as unknown[]) : []).map((input) => {
      const [from, index] = [0, 1].map((at) => (input as unknown[] | null)?.[at]);
      return { from: String(from), index: Number(index) || 0 };
    }),
  );
}

function refuse(why: string): never {
  throw new RangeError(`The model's file ${why}`);
}
