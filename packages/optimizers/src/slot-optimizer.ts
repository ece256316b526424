// What the optimisers share: slot variables beside each weight (its velocity, its moments), a learning rate that may
// change between steps, and state that can be reset, saved and restored. The arithmetic is the subclass's.

import { anObject, assertArgument, describeValue, numberIn } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { assertGroups, groupOf, type ParameterGroup, type VariableSettings } from './parameter-groups.js';

export type NamedTensor = Awaited<ReturnType<tf.Optimizer['getWeights']>>[number];

/** What a learning rate is to be, as an argument. */
export const aRate = numberIn('[0, ∞)', 'a step size');

export const fromZero = numberIn('[0, ∞)');

const gradientsByName = anObject("gradients by their variables' names, or a list of { name, tensor }");

export abstract class SlotOptimizer extends tf.Optimizer {
  #learningRate = 0;
  /** The slots of each variable, by its name, in the order of `slotNames`. */
  #slots = new Map<string, tf.Variable[]>();
  /** Whether the slots come from `setWeights` and have not been used since. */
  #restored = false;
  #stepsSinceReset = 0;

  /** Variables with settings of their own; of several groups that have one, the first counts. */
  readonly groups: readonly ParameterGroup[];
  /** The decay of the variables that no group has another for. */
  readonly weightDecay: number;

  constructor(learningRate: number, weightDecay = 0, groups: readonly ParameterGroup[] = []) {
    super();
    assertGroups(this.getClassName(), groups);
    this.learningRate = learningRate;
    this.weightDecay = weightDecay;
    this.groups = groups;
  }

  /** Names of the variables kept for each weight, for example ['momentum']. */
  protected abstract readonly slotNames: readonly string[];

  /**
   * One step of one variable; all tensors have its shape.
   *
   * @param step number of this step since the last reset, from 1
   * @param settings those of the variable's group, or the optimiser's
   * @returns the new weight, then the new slots; tensors that the caller disposes
   */
  protected abstract update(
    weight: tf.Variable,
    gradient: tf.Tensor,
    slots: readonly tf.Variable[],
    step: number,
    settings: VariableSettings,
  ): readonly tf.Tensor[];

  /**
   * How far a step goes, for `stepSize`: what it moves a weight by for each unit of a gradient that has been the same
   * since the last reset, at the optimiser's own learning rate. A number, or a tensor of the weight's shape that the
   * caller disposes.
   *
   * @param slots as the step left them
   * @param step number of that step since the last reset, from 1
   */
  protected distance(_slots: readonly tf.Variable[], _step: number): number | tf.Tensor {
    throw new Error(
      `${this.getClassName()} does not tell how far its step goes: give it a method distance()`,
    );
  }

  /** The learning rate; it may be set at any time and holds from the next step. Finite, at least 0. */
  get learningRate(): number {
    return this.#learningRate;
  }

  set learningRate(value: number) {
    assertArgument(this.getClassName(), 'learningRate', value, aRate);
    this.#learningRate = value;
  }

  /** The same as setting `learningRate`, under the name that tfjs' own optimisers have. */
  setLearningRate(value: number): void {
    this.learningRate = value;
  }

  applyGradients(variableGradients: tf.NamedTensorMap | NamedTensor[]): void {
    if (!variableGradients) {
      assertArgument('applyGradients()', 'variableGradients', variableGradients, gradientsByName);
    }
    const gradients = Array.isArray(variableGradients)
      ? variableGradients
      : Object.entries(variableGradients).map(([name, tensor]) => ({ name, tensor }));
    if (this.#restored) this.#matchRestoredSlots(gradients.map(({ name }) => name));
    this.#stepsSinceReset++;
    for (const { name, tensor } of gradients) {
      if (tensor != null) this.#updateVariable(registeredVariable(name), tensor);
    }
    this.incrementIterations();
  }

  /**
   * How far the last step went: what it moved a variable by for each unit of a gradient that has been the same since
   * the last reset. 0 for a variable that no step since then has had a gradient of. It is what a proximal step after it
   * multiplies its penalty by. (The learning rate is not: momentum and moments change how far a step goes.)
   *
   * @returns a number, or a tensor of the variable's shape that the caller disposes
   */
  stepSize(variable: tf.Variable): number | tf.Tensor {
    const slots = this.slotNames.length === 0 ? [] : this.#slots.get(variable.name);
    if (!slots) return 0;
    const { rateFactor = 1 } = groupOf(this.groups, variable) ?? {};
    return tf.tidy(() => {
      const distance = this.distance(slots, this.#stepsSinceReset);
      return typeof distance === 'number' ? distance * rateFactor : distance.mul(rateFactor);
    });
  }

  /** Forgets momentum and moments and begins to count steps anew, as if no step had been taken. */
  resetState(): void {
    this.#disposeSlots();
    this.#stepsSinceReset = 0;
  }

  /**
   * What it remembers of each of these variables, in the order of `slotNames`; nothing of one that it has not seen. The
   * variables stay the optimiser's own: they may be assigned to, but not disposed.
   *
   * @param names of the variables, in the order in which `applyGradients` is given their gradients
   */
  slots(names: readonly string[]): readonly (readonly tf.Variable[])[] {
    if (this.#restored) this.#matchRestoredSlots(names);
    return names.map((name) => this.#slots.get(name) ?? []);
  }

  override dispose(): void {
    this.#disposeSlots();
  }

  /**
   * The whole state: the number of steps ever taken, that since the last reset, then the slots of each variable.
   * The two counts are new scalars that the caller owns; the slots are the optimiser's own variables, to be read
   * or cloned but not disposed.
   */
  override async getWeights(): Promise<NamedTensor[]> {
    const slots = [...this.#slots].flatMap(([name, variables]) =>
      variables.map((tensor, i) => ({ name: `${name}/${this.slotNames[i]}`, tensor: tensor as tf.Tensor })),
    );
    const steps = { name: 'stepsSinceReset', tensor: tf.scalar(this.#stepsSinceReset, 'int32') };
    return [await this.saveIterations(), steps, ...slots];
  }

  /**
   * Restores what `getWeights` gave. Slots find their variables by name, or, where no name is known in the next
   * step, by position, as those of tfjs' own optimisers do. The tensors stay the caller's.
   *
   * @throws if the list is not that of an optimiser of this kind
   */
  override async setWeights(weightValues: NamedTensor[]): Promise<void> {
    const isState = Array.isArray(weightValues) && weightValues[0]?.name === 'iter';
    if (!isState) this.#refuseState(describeValue(weightValues));
    const [steps, ...slots] = await this.extractIterations(weightValues);
    const perVariable = this.slotNames.length;
    const complete = perVariable === 0 ? slots.length === 0 : slots.length % perVariable === 0;
    const named = slots.every(({ name }, i) => name.endsWith(`/${this.slotNames[i % perVariable]}`));
    if (steps?.name !== 'stepsSinceReset' || !complete || !named) {
      this.#refuseState(`[${weightValues.map(({ name }) => name).join(', ')}]`);
    }
    this.#disposeSlots();
    this.#stepsSinceReset = (await steps.tensor.data())[0]!;
    slots.forEach(({ name, tensor }, i) => {
      const variableName = name.slice(0, name.lastIndexOf('/'));
      if (i % perVariable === 0) this.#slots.set(variableName, []);
      this.#slots.get(variableName)!.push(tf.variable(tensor, false));
    });
    this.#restored = this.#slots.size > 0;
  }

  #refuseState(state: string): never {
    throw new Error(
      `${this.getClassName()}: cannot restore the state ${state}; expected iter, stepsSinceReset, then ` +
        `[${this.slotNames}] for each variable, as getWeights gives them.`,
    );
  }

  #updateVariable(weight: tf.Variable, gradient: tf.Tensor): void {
    const slots = this.#slotsOf(weight);
    tf.tidy(() => {
      const settings = this.#settingsOf(weight);
      const [newWeight, ...newSlots] = this.update(weight, gradient, slots, this.#stepsSinceReset, settings);
      weight.assign(newWeight!);
      slots.forEach((slot, i) => slot.assign(newSlots[i]!));
    });
  }

  #settingsOf(weight: tf.Variable): VariableSettings {
    const { rateFactor = 1, weightDecay = this.weightDecay } = groupOf(this.groups, weight) ?? {};
    return { learningRate: this.learningRate * rateFactor, weightDecay };
  }

  #slotsOf(weight: tf.Variable): readonly tf.Variable[] {
    const known = this.#slots.get(weight.name);
    if (known) return known;
    const slots = this.slotNames.map(() => tf.tidy(() => tf.variable(tf.zerosLike(weight), false)));
    this.#slots.set(weight.name, slots);
    return slots;
  }

  /** Renames restored slots by position when the variables are new ones, those of a model that was rebuilt. */
  #matchRestoredSlots(names: readonly string[]): void {
    this.#restored = false;
    if (names.some((name) => this.#slots.has(name))) return;
    const restored = [...this.#slots.values()];
    const fits =
      restored.length === names.length &&
      names.every((name, i) => tf.util.arraysEqual(registeredVariable(name).shape, restored[i]![0]!.shape));
    if (!fits) {
      throw new Error(
        `${this.getClassName()}: the restored state belongs to [${[...this.#slots.keys()]}], which fits the ` +
          `variables [${names}] neither by name nor by position. Restore it for the model it was saved from.`,
      );
    }
    this.#slots = new Map(names.map((name, i) => [name, restored[i]!]));
  }

  #disposeSlots(): void {
    for (const slots of this.#slots.values()) tf.dispose(slots);
    this.#slots.clear();
    this.#restored = false;
  }
}

function registeredVariable(name: string): tf.Variable {
  const variable = tf.engine().registeredVariables[name];
  if (variable) return variable;
  throw new Error(`applyGradients: no variable is named '${name}'; it may have been disposed.`);
}
