// Variables that are to have a learning rate or a decay of their own, as the parameter groups of PyTorch's optimisers.

import { assertArgument, assertOptions, numberIn, required, type Expected } from '@espalier/blocks';
import type * as tf from '@tensorflow/tfjs';

export interface ParameterGroup {
  /** The variables' names, or a function that tells which they are. */
  readonly variables: readonly string[] | ((variable: tf.Variable) => boolean);
  /** What the learning rate is multiplied by, at any time; at least 0. Default 1. */
  readonly rateFactor?: number;
  /** The decay of these variables, at least 0. Default: the optimiser's own. */
  readonly weightDecay?: number;
}

/** What a variable is trained with. */
export interface VariableSettings {
  readonly learningRate: number;
  readonly weightDecay: number;
}

const fromZero = numberIn('[0, ∞)');

/** What groups are to be, as an argument. */
export const aGroupList: Expected = {
  type: 'object',
  holds: Array.isArray,
  words: 'a list of parameter groups: [{ variables, rateFactor, weightDecay }]',
};

const chosen: Expected = {
  type: 'object',
  holds: (value) =>
    typeof value === 'function' || (Array.isArray(value) && value.every((name) => typeof name === 'string')),
  words: "a list of variables' names, or a function of a variable",
};

/**
 * @param of the optimiser, for messages
 * @throws RangeError or TypeError for what is no list of groups
 */
export function assertGroups(of: string, groups: readonly ParameterGroup[]): void {
  assertArgument(of, 'groups', groups, aGroupList);
  groups.forEach((group, i) =>
    assertOptions(`${of}: group ${i + 1}`, group, {
      variables: required(chosen),
      rateFactor: fromZero,
      weightDecay: fromZero,
    }),
  );
}

/** The first group that has the variable; null where none has. */
export function groupOf(groups: readonly ParameterGroup[], variable: tf.Variable): ParameterGroup | null {
  const has = ({ variables }: ParameterGroup) =>
    typeof variables === 'function' ? variables(variable) : variables.includes(variable.name);
  return groups.find(has) ?? null;
}

/**
 * The groups as a file holds them.
 *
 * @throws Error where one chooses its variables by a function, which no file holds
 */
export function configOf(groups: readonly ParameterGroup[]): tf.serialization.ConfigDict[] {
  return groups.map(({ variables, ...rest }, i) => {
    if (typeof variables === 'function') {
      throw new Error(
        `Parameter group ${i + 1} chooses its variables by a function, which no file holds: give their names, or save ` +
          'without includeOptimizer',
      );
    }
    return { ...rest, variables: [...variables] };
  });
}
