/** The weights of a model, with the parameters that PyTorch keeps them in. */
import { describeValue, isUnderPruning } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { counterpart, Fault } from './counterpart.js';
import { flattenedBefore, graphOf, UnknownOrder, type Flattened } from './flattened.js';
import type { Layout } from './layout.js';
import { isWrapper, placedLayers, type Placed } from './placed-layers.js';
import { checksOf } from './to-check.js';

export interface NamingOptions {
  /**
   * What PyTorch calls the module of a layer, by the layer's name (of one inside a model, `model/layer`); a layer that is not
   * named has its own name, with dots for slashes. Where the name has a `*`, that stands for the parameter:
   * `{ lstm_2: 'rnn.*_l1' }` is the second layer of an `nn.LSTM` of several. `null` leaves a layer out.
   */
  readonly names?: Readonly<Record<string, string | null>> | ((layer: string) => string | null);
  /**
   * For layers before which something was flattened, where the graph does not tell in which order: the shape here, channels
   * last, if PyTorch has the channels first; `null` if both flatten in one order.
   */
  readonly flattened?: Readonly<Record<string, Flattened>>;
}

export interface TorchWeight {
  /** `layer/weight` */
  readonly name: string;
  readonly variable: tf.Variable;
  readonly layout: Layout;
  /**
   * The parameters, by the names that PyTorch may give them; the first that are all there count. Several in one are added
   * up: the weight here is one where PyTorch has two.
   */
  readonly parameters: readonly (readonly string[])[];
}

export interface TorchWeights {
  readonly weights: readonly TorchWeight[];
  /** Why there are layers that PyTorch has no counterpart of, a sentence each. */
  readonly faults: readonly string[];
  /** What a checkpoint does not tell, and is to be the same in both: a sentence each. */
  readonly toCheck: readonly string[];
}

/**
 * @param of the function that the model is given to
 * @throws TypeError for what is no model, or names that are none; RangeError for names of layers that the model has not; Error
 *   for a model under pruning
 */
export function torchWeights(
  model: tf.LayersModel,
  { names = {}, flattened = {} }: NamingOptions,
  of: string,
): TorchWeights {
  if (!(model instanceof tf.LayersModel)) {
    throw new TypeError(`${of} takes a tf.LayersModel as its model, it is given ${describeValue(model)}`);
  }
  const layers = [
    ...new Map([...placedLayers(model)].reverse().map((placed) => [placed.layer, placed])).values(),
  ];
  layers.reverse();
  const paths = layers.map(({ path }) => path);
  assertPaths(typeof names === 'function' ? {} : names, paths, 'names', of);
  assertPaths(flattened, paths, 'flattened', of);
  const containers = layers.flatMap(({ layer }) => (layer instanceof tf.LayersModel ? [layer] : []));
  const wrapped = layers.flatMap(({ layer, outermost }) =>
    outermost ? [{ layer, wrapper: outermost }] : [],
  );
  const graph = graphOf(containers, wrapped);
  const weights: TorchWeight[] = [];
  const faults: string[] = [];
  const toCheck = layers.flatMap(({ layer, path }) => checksOf(layer).map((check) => `${path} ${check}`));
  const seen = new Set<tf.LayerVariable>();
  for (const placed of layers) {
    const { layer, path } = placed;
    if (layer instanceof tf.LayersModel || isWrapper(layer) || layer.weights.length === 0) continue;
    for (const weight of layer.weights) seen.add(weight);
    const module = moduleOf(placed, names, of);
    if (module === null) continue;
    try {
      const flat = Object.hasOwn(flattened, path)
        ? flattened[path]!
        : flattenedBefore(placed.outermost ?? layer, graph);
      weights.push(...weightsOf(layer, path, module, flat));
    } catch (error) {
      if (!(error instanceof Fault || error instanceof UnknownOrder)) throw error;
      faults.push(error instanceof Fault ? `${path} ${error.message}` : unknownOrder(path, error.message));
    }
  }
  for (const weight of model.weights.filter((each) => !seen.has(each))) {
    const { originalName, shape } = weight;
    faults.push(`${originalName} of [${shape.join(', ')}] is in a layer that was not found in the model`);
  }
  const held = weights.find(({ variable }) => isUnderPruning(variable));
  if (held) throw new Error(`${of}: ${held.name} is under pruning: finalize() the run first`);
  return { weights, faults, toCheck };
}

function unknownOrder(path: string, why: string): string {
  return (
    `what ${path} takes ${why}, and the order is not to be told: flattened: { '${path}': [h, w, channels] } if PyTorch has ` +
    'channels first there, null if both flatten in one order'
  );
}

function assertPaths(given: object, paths: readonly string[], option: string, of: string): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(`${of} takes as ${option} an object by layers, it is given ${describeValue(given)}`);
  }
  const unknown = Object.keys(given).find((path) => !paths.includes(path));
  if (unknown === undefined) return;
  throw new RangeError(
    `${of}: ${option} tells of ${describeValue(unknown)}, and the model's layers are ${paths.join(', ')}`,
  );
}

/** The module's name with a `*` for the parameter; null for a layer that is left out. */
function moduleOf(
  { path, modulePath, direction }: Placed,
  names: NonNullable<NamingOptions['names']>,
  of: string,
): string | null {
  const named = typeof names === 'function' ? null : names;
  const asked = named && Object.hasOwn(named, path) ? path : modulePath;
  const own = asked.replaceAll('/', '.');
  const name = typeof names === 'function' ? names(asked) : Object.hasOwn(names, asked) ? names[asked] : own;
  if (name === null) return null;
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(
      `${of} takes as names the names of modules, or null: that of ${asked} is ${describeValue(name)}`,
    );
  }
  if (!name.includes('*')) return `${name}.*${direction ?? ''}`;
  return asked !== path && direction === '_l0_reverse' ? `${name}_reverse` : name;
}

function weightsOf(layer: tf.layers.Layer, path: string, module: string, flat: Flattened): TorchWeight[] {
  return layer.weights.map((weight) => {
    const own = weight.originalName.split('/').at(-1)!;
    const variable = (weight as unknown as { val: tf.Variable }).val;
    const [parameters, layout] = counterpart(layer, own, variable.shape, flat);
    // A recurrent module numbers its layers, a cell does not.
    const isNumbered = 'cell' in layer && module.endsWith('*');
    const endings = isNumbered ? ['_l0', ''] : [''];
    return {
      ...{ name: `${path}/${own}`, variable, layout },
      parameters: endings.map((ending) => parameters.map((name) => module.replace('*', name + ending))),
    };
  });
}
