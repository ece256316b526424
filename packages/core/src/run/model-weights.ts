/**
 * What a model's weights are to those outside while a run holds them: `getWeights`, `setWeights` and `save` speak of the
 * weights that the network computes with, in the layout of the plain model. So a file that is saved in the midst of a run
 * loads, and predicts the same. What trains, the raw weights and what strategies added, is read by `weights[i].read()`.
 *
 * A model that contains the one under pruning, which no run knows, reads its weights through the same methods of tfjs'
 * classes. So those are wrapped, once, when the first run starts; weights that are not under pruning pass through them as
 * before.
 */
import * as tf from '@tensorflow/tfjs';

/** How a weight under pruning shows itself. */
interface Face {
  /** What the network computes with; the run's own, valid until the weight is read again or the run ends. */
  effective(): tf.Tensor;
  /**
   * @returns what makes the network compute with the value
   * @throws Error where it cannot
   */
  settingOf(value: tf.Tensor): () => void;
  /** Whether the variable holds something else, a raw weight. */
  isRaw(): boolean;
}

/** Of a kernel its face; null for what a strategy added, which a plain model does not have. */
const faces = new WeakMap<tf.LayerVariable, Face | null>();

/** Shows a kernel by what the network computes with. Setting it sets that. */
export function showEffective(weight: tf.LayerVariable, face: Face): void {
  wrapClasses();
  faces.set(weight, face);
  weight.write = (value) => {
    settingOf(weight, value)();
    return weight;
  };
}

/** Leaves out of the model's weights what a strategy added. */
export function hideAdded(weight: tf.LayerVariable): void {
  wrapClasses();
  faces.set(weight, null);
}

/** Shows a weight as it is again. */
export function showPlain(weight: tf.LayerVariable): void {
  faces.delete(weight);
  delete (weight as Partial<tf.LayerVariable>).write;
}

interface WeightHolder {
  readonly name: string;
  readonly weights: tf.LayerVariable[];
  readonly trainableWeights: tf.LayerVariable[];
}

interface Wrapped extends WeightHolder {
  getWeights(trainableOnly?: boolean): tf.Tensor[];
  setWeights(weights: tf.Tensor[]): void;
}

interface WrappedModel extends Wrapped {
  getNamedWeights(config?: tf.io.SaveConfig): { name: string; tensor: tf.Tensor }[];
}

let wrapped = false;

function wrapClasses(): void {
  if (wrapped) return;
  wrapped = true;
  const { StackedRNNCells } = tf.serialization.SerializationMap.getMap().classNameMap;
  for (const { prototype } of [tf.layers.Layer, StackedRNNCells![0]])
    wrapLayer(prototype as unknown as Wrapped);
  wrapModel(tf.LayersModel.prototype as unknown as WrappedModel);
}

/** Layers, and models, which are layers too. */
function wrapLayer(prototype: Wrapped): void {
  const { getWeights, setWeights } = prototype;
  prototype.getWeights = function (trainableOnly = false) {
    const weights = weightsOf(this, trainableOnly);
    if (!weights.some((weight) => faces.has(weight))) return getWeights.call(this, trainableOnly);
    return shown(weights).map((weight) => faces.get(weight)?.effective() ?? weight.read());
  };
  prototype.setWeights = function (values) {
    const weights = weightsOf(this, false);
    if (!weights.some((weight) => faces.has(weight))) return setWeights.call(this, values);
    setShown(this.name, shown(weights), values);
  };
}

function wrapModel(prototype: WrappedModel): void {
  const { getNamedWeights } = prototype;
  prototype.getNamedWeights = function (config) {
    const weights = weightsOf(this, config?.trainableOnly === true);
    if (!weights.some((weight) => faces.has(weight))) return getNamedWeights.call(this, config);
    const isRaw = weights.some((weight) => faces.get(weight)?.isRaw() ?? faces.has(weight));
    if (config?.includeOptimizer && isRaw) {
      throw new Error(
        `${this.name} is under pruning: its optimiser's state is that of the raw weights, which are not in the file ` +
          'that is saved. To go on later, store `await pruning.checkpoint()`; to use the model, save it without ' +
          'includeOptimizer',
      );
    }
    const values = this.getWeights(config?.trainableOnly);
    return shown(weights).map(({ originalName }, i) => ({ name: originalName, tensor: values[i]! }));
  };
}

function weightsOf(holder: WeightHolder, trainableOnly: boolean): tf.LayerVariable[] {
  return trainableOnly ? holder.trainableWeights : holder.weights;
}

function shown(weights: readonly tf.LayerVariable[]): tf.LayerVariable[] {
  return weights.filter((weight) => faces.get(weight) !== null);
}

/** Sets all of them or, where one does not fit, none. */
function setShown(name: string, weights: readonly tf.LayerVariable[], values: readonly tf.Tensor[]): void {
  if (values.length !== weights.length) {
    throw new RangeError(
      `setWeights() of ${name} takes ${weights.length} tensors, what getWeights() gives: it is given ${values.length}`,
    );
  }
  weights.forEach(({ originalName, shape }, i) => {
    if (values[i]!.shape.join() === shape.join()) return;
    throw new RangeError(
      `setWeights() of ${name}: ${originalName} has the shape [${shape.join(', ')}], number ${i} of the values ` +
        `[${values[i]!.shape.join(', ')}]`,
    );
  });
  tf.tidy(() => {
    const settings = weights.map((weight, i) => settingOf(weight, values[i]!));
    for (const set of settings) set();
  });
}

function settingOf(weight: tf.LayerVariable, value: tf.Tensor): () => void {
  const face = faces.get(weight);
  return face ? face.settingOf(value) : () => void weight.write(value);
}
