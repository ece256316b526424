/**
 * Whether a model's serialisation tells all that it computes: what rewrites models, as `compress` and `shrink`, builds its
 * copies from that, and a copy that computes something else would do so in silence.
 *
 * What cannot be told is refused: a layer that is written down as another class than it is, a method that was put on one
 * object, a field that the configuration does not hold, weights beside those that the layer makes.
 */
import { describeValue } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { keepsZeros } from './run/held-variables.js';
import { hasSameCalls } from './same-calls.js';

type Fields = Readonly<Record<string, unknown>>;

const Initializer = Object.getPrototypeOf(tf.initializers.zeros().constructor) as abstract new () => object;

/** Methods that, put on a layer or model itself, make it compute what no class does. */
const METHODS = ['call', 'apply', 'build', 'predict', 'predictOnBatch'] as const;

/** Fields in which layers keep layers. */
const NESTED = ['layers', 'layer', 'forwardLayer', 'backwardLayer', 'cell', 'cells'] as const;

/**
 * @param of what builds the copy, for the error
 * @throws TypeError for what is no `tf.LayersModel`
 */
export function assertModel(model: tf.LayersModel, of: string): void {
  if (model instanceof tf.LayersModel) return;
  const seen = describeValue(model);
  const wayOut =
    seen === 'a promise'
      ? ': await it first'
      : seen === 'a GraphModel'
        ? ', which has no layers: compressGraphModel() compresses one; to prune, convert the Keras model to the format tfjs_layers_model'
        : '';
  throw new TypeError(`${of} takes a tf.LayersModel as its model, it is given ${seen}${wayOut}`);
}

/**
 * That the model can be built anew from its serialisation, as far as that can be told before it is.
 *
 * @throws RangeError that names the layer, and says what to do
 */
export function assertRebuildable(model: tf.LayersModel): void {
  const known = tf.serialization.SerializationMap.getMap().classNameMap;
  const paths = new Set<string>();
  for (const [path, layer] of everyLayer(model)) {
    // The model itself has its name for one, which a layer may have too.
    if (layer !== model && paths.has(path)) {
      refuse(
        path,
        `is two layers: one has a name with a slash in it, which reads as a path. Give it another name`,
      );
    }
    if (layer !== model) paths.add(path);
    const weights = layer instanceof tf.LayersModel ? [] : layer.weights;
    if (weights.some((weight) => keepsZeros((weight as unknown as { readonly val: tf.Variable }).val))) {
      refuse(
        path,
        'is kept at its zeros by a run that ended with finalize({ keepZeros: true }): release() it first',
      );
    }
    const own = METHODS.find((method) => Object.hasOwn(layer, method));
    if (own) {
      refuse(
        path,
        `has a ${own}() of its own, which no file holds: put it into a class, with a className of its own, and register it`,
      );
    }
    const className = layer.getClassName();
    const { name } = layer.constructor;
    const [registered] = known[className] ?? [];
    if (registered === undefined) {
      refuse(
        path,
        `is of the class ${name}, which is not registered: tf.serialization.registerClass(${name})`,
      );
    }
    if ((registered as unknown) !== layer.constructor) {
      refuse(
        path,
        `is of the class ${name}, and would be built anew as the ${className} that is registered: ` +
          `give ${name} a className of its own, and register it by tf.serialization.registerClass()`,
      );
    }
  }
}

/** In what a copy may differ from its model. */
export interface Rewriting {
  /** The weights of a layer of which a copy must have as many; all, when absent. */
  readonly weightsOf?: (layer: tf.layers.Layer) => readonly tf.LayerVariable[];
  /** The fields of a layer that are rewritten; none, when absent. */
  readonly fieldsOf?: (layer: tf.layers.Layer) => ReadonlySet<string>;
}

/**
 * That a copy is as the model it was made of, but for what was rewritten: the same fields, as many weights, and the same
 * calls of layers.
 *
 * @throws RangeError that names the layer and what the copy has not
 */
export function assertRebuilt(
  model: tf.LayersModel,
  copy: tf.LayersModel,
  { weightsOf = ({ weights }) => weights, fieldsOf = () => new Set() }: Rewriting = {},
): void {
  const copies = new Map(everyLayer(copy));
  for (const [path, layer] of everyLayer(model)) {
    const other = copies.get(path);
    if (!other) refuse(path, 'is not part of the copy that is made of its configuration');
    if (layer instanceof tf.LayersModel) {
      if (hasSameCalls(layer, other as tf.LayersModel)) continue;
      refuse(
        path,
        'calls its layers otherwise than the copy that tfjs makes of its configuration, which mixes up calls of a layer that ' +
          'is used several times: put a layer of its own in the place of each call, or make the calls in the order in which ' +
          'their inputs come',
      );
    }
    const [own, its] = [layer, other].map((each) => weightsOf(each).length);
    if (own !== its) {
      refuse(
        path,
        `has ${own} weights, a copy that is made of its configuration ${its}: ` +
          'weights that were added from outside are not part of it',
      );
    }
    assertSameFields(path, layer, other, fieldsOf(layer));
  }
}

function assertSameFields(
  path: string,
  layer: tf.layers.Layer,
  copy: tf.layers.Layer,
  rewritten: ReadonlySet<string>,
): void {
  const fields = copy as unknown as Fields;
  for (const [field, value] of Object.entries(layer)) {
    if (rewritten.has(field) || fieldsOfEveryLayer().has(field) || isSame(value, fields[field])) continue;
    refuse(
      path,
      `has ${shown(value)} in its field ${field}, a copy that is made of its configuration ${shown(fields[field])}: ` +
        'let its getConfig() hold it, and its constructor take it from there',
    );
  }
}

/** Whether two fields hold the same, as far as they are values or parts that are serialised. */
function isSame(value: unknown, other: unknown): boolean {
  // Of what makes first weights, nothing is left once there are weights; tfjs builds many of them as another class.
  if (value instanceof tf.layers.Layer || value instanceof Initializer) return true;
  if (value instanceof tf.serialization.Serializable) {
    if (!(other instanceof tf.serialization.Serializable)) return false;
    return (
      value.constructor === other.constructor &&
      JSON.stringify(value.getConfig()) === JSON.stringify(other.getConfig())
    );
  }
  if (Array.isArray(value) && value.every(isValue)) {
    return (
      Array.isArray(other) &&
      value.length === other.length &&
      value.every((each, i) => isSame(each, other[i]))
    );
  }
  // Null says no more than undefined; what else there is, such as tensors of a state, is no part of a configuration.
  return !isValue(value) || (value ?? null) === (other ?? null) || Object.is(value, other);
}

function isValue(value: unknown): boolean {
  return ['number', 'string', 'boolean', 'undefined'].includes(typeof value) || value === null;
}

function shown(value: unknown): string {
  return value instanceof tf.serialization.Serializable ? `a ${value.getClassName()}` : describeValue(value);
}

/** The fields that tfjs gives every layer: names, counts, the graph around it. */
function fieldsOfEveryLayer(): ReadonlySet<string> {
  class Bare extends tf.layers.Layer {
    static readonly className = 'Bare';
  }
  return (bareFields ??= new Set(Object.keys(new Bare({ name: 'bare' }))));
}
let bareFields: ReadonlySet<string> | undefined;

/** A model and all layers inside it, whatever holds them, by their path; the model's own is its name. */
function* everyLayer(
  layer: tf.layers.Layer,
  path = '',
  seen = new Set<tf.layers.Layer>(),
): Generator<[path: string, layer: tf.layers.Layer]> {
  if (seen.has(layer)) return;
  seen.add(layer);
  const own = path || layer.name;
  yield [own, layer];
  for (const field of NESTED) {
    for (const [i, nested] of [(layer as unknown as Fields)[field]].flat().entries()) {
      if (!(nested instanceof tf.layers.Layer)) continue;
      // Cells are named by tfjs, each time anew.
      const step = field === 'cell' || field === 'cells' ? `${field} ${i}` : nested.name;
      yield* everyLayer(nested, path ? `${path}/${step}` : step, seen);
    }
  }
}

function refuse(path: string, why: string): never {
  throw new RangeError(`${path} ${why}`);
}
