/** Recurrent layers, which give their last state: simple, GRU, LSTM, with Keras' gates and activations. */
import { kernel, type Layer, type Pass, parameter } from '../network.js';
import type { Node } from '../tape.js';
import { addBias, columnSquares, matMul } from './dense.js';

type Size = readonly [steps: number, inputs: number];

/** The numbers of one gate for every example and unit, from the products of all gates. */
type Gate = (gate: number) => Node[];

/** What a layer does in one step: its new states, of which the first is its output. */
type Cell = (pass: Pass, x: Gate, product: (of: readonly Node[]) => Gate, states: Node[][]) => Node[][];

/** `h ← tanh(x W + h U + b)`. */
export function simpleRnn(name: string, size: Size, units: number): Layer {
  return recurrent(name, size, units, 1, 1, ({ tape }, x, product, [h]) => {
    const fromState = product(h)(0);
    return [x(0).map((node, i) => tape.tanh(tape.add(node, fromState[i])))];
  });
}

/** `z`, `r` from `x` and `h`; `ĥ = tanh(x W + (r ⊙ h) U + b)`; `h ← z ⊙ h + (1 − z) ⊙ ĥ`. */
export function gru(name: string, size: Size, units: number): Layer {
  return recurrent(name, size, units, 3, 1, (pass, x, product, [h]) => {
    const { tape } = pass;
    const fromState = product(h);
    const [z, r] = [0, 1].map((gate) => gateOf(pass, x(gate), fromState(gate)));
    const reset = product(r.map((node, i) => tape.mul(node, h[i])))(2);
    const candidate = x(2).map((node, i) => tape.tanh(tape.add(node, reset[i])));
    return [h.map((node, i) => tape.add(candidate[i], tape.mul(z[i], tape.sub(node, candidate[i]))))];
  });
}

/** `c ← f ⊙ c + i ⊙ tanh(…)`; `h ← o ⊙ tanh(c)`, the gates in the order i, f, c, o. */
export function lstm(name: string, size: Size, units: number): Layer {
  return recurrent(name, size, units, 4, 2, (pass, x, product, [h, c]) => {
    const { tape } = pass;
    const fromState = product(h);
    const [input, forget, output] = [0, 1, 3].map((gate) => gateOf(pass, x(gate), fromState(gate)));
    const fromCandidate = fromState(2);
    const candidate = x(2).map((node, i) => tape.tanh(tape.add(node, fromCandidate[i])));
    const cell = c.map((node, i) => tape.add(tape.mul(forget[i], node), tape.mul(input[i], candidate[i])));
    return [cell.map((node, i) => tape.mul(output[i], tape.tanh(node))), cell];
  });
}

/** Keras' hard sigmoid, `0.2 x + 0.5` between 0 and 1. */
function gateOf({ tape }: Pass, fromInput: readonly Node[], fromState: readonly Node[]): Node[] {
  return fromInput.map((node, i) =>
    tape.clip(tape.plus(0.5, tape.times(0.2, tape.add(node, fromState[i]))), 0, 1),
  );
}

function recurrent(
  name: string,
  [steps, inputs]: Size,
  units: number,
  gates: number,
  states: number,
  cell: Cell,
): Layer {
  const weight = kernel(`${name}/kernel`, [inputs, gates * units]);
  const recurrentWeight = kernel(`${name}/recurrent_kernel`, [units, gates * units]);
  const bias = parameter(`${name}/bias`, [gates * units]);
  const split =
    (nodes: readonly Node[]): Gate =>
    (gate) =>
      nodes.filter((_, i) => Math.floor((i % (gates * units)) / units) === gate);
  return {
    name,
    parameters: [weight, recurrentWeight, bias],
    kernels: [weight, recurrentWeight],
    trainable: true,
    apply: (pass, { shape: [batch], nodes }) => {
      const product = (of: readonly Node[]): Gate => {
        const products = split(matMul(pass, of, pass.read(recurrentWeight), units, gates * units));
        const squares = columnSquares(pass, of, units);
        return (gate) => {
          // The weights of a gate meet what it is taken of: `r ⊙ h` is met by those of a GRU's candidate alone.
          const isOfGate = (column: number) => Math.floor(column / units) === gate;
          pass.meets(recurrentWeight, (row, column) => (isOfGate(column) ? squares(row) : 0));
          return products(gate);
        };
      };
      const zeros = () => Array.from({ length: batch * units }, () => pass.tape.leaf(0));
      let state = Array.from({ length: states }, zeros);
      for (let step = 0; step < steps; step++) {
        const x = nodes.filter((_, i) => Math.floor(i / inputs) % steps === step);
        pass.meets(weight, columnSquares(pass, x, inputs));
        const fromInput = matMul(pass, x, pass.read(weight), inputs, gates * units);
        state = cell(pass, split(addBias(pass, fromInput, pass.read(bias))), product, state);
      }
      return { shape: [batch, units], nodes: state[0] };
    },
  };
}
