/**
 * TensorFlow's own update ops, which write into a variable of TensorFlow's in one pass. A tensor of tfjs becomes the value of
 * one for the length of the op: where nobody else shares its data it is updated where it lies, else TensorFlow copies it.
 */
import type { Handle, OpAttribute, TensorflowRun } from '@espalier/blocks';

/** Numbers that a variable may hold on to after a step. */
const LITTLE = 2 ** 16;

/**
 * Runs `steps` on variables that hold these tensors, which are used up.
 *
 * @returns what the variables hold after it
 */
export function updatedInPlace(
  run: TensorflowRun,
  tensors: readonly Handle[],
  steps: (variables: readonly Handle[]) => void,
): Handle[] {
  const dtype = run.type('dtype');
  const variables = tensors.map((tensor, i) => {
    const variable = variableOf(run, i, dtype);
    assign(run, variable, tensor);
    run.useUp(tensor);
    return variable;
  });
  steps(variables);
  const results = variables.map((variable) => run.ops('ReadVariableOp', [variable], [dtype], 1)[0]!);
  tensors.forEach(({ shape }, i) => {
    if (shape.reduce((size, length) => size * length, 1) > LITTLE)
      assign(run, variables[i]!, run.floats([0]));
  });
  return results;
}

/** An op that updates variables, and has no result. */
export function applyTo(
  run: TensorflowRun,
  name: string,
  inputs: readonly Handle[],
  ...attributes: OpAttribute[]
): void {
  run.ops(name, inputs, attributes, 0);
}

function assign(run: TensorflowRun, variable: Handle, value: Handle): void {
  run.ops('AssignVariableOp', [variable, value], [], 0);
}

/** One for each of an op's variables serves all calls. */
function variableOf(run: TensorflowRun, i: number, dtype: OpAttribute): Handle {
  return run.kept(run.backend, `variable ${i}`, () => {
    const name = run.text('shared_name', `espalier/updated/${i}`);
    return run.ops(
      'VarHandleOp',
      [],
      [dtype, run.shape('shape', []), run.text('container', ''), name],
      1,
    )[0]!;
  });
}
