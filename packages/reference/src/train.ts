/** Trains a network under a strategy, step by step, and keeps a record. */
import { cut } from './blocks.js';
import {
  type KernelParameter,
  lossOf,
  type Network,
  type Parameter,
  parameter,
  type Pass,
  type Tensor,
} from './network.js';
import { Optimizer, type OptimizerSettings } from './optimizers.js';
import { type Draws, type Kernel, masked, type Rules, type Run, type Strategy } from './run.js';
import { type Allocation, Closest, everyBlock, uniform } from './selection.js';
import { exactly, type Node, type Rounding, Tape } from './tape.js';

export interface Batch {
  readonly shape: readonly number[];
  readonly x: readonly number[];
  readonly y: readonly number[];
}

export interface Training {
  readonly network: Network;
  readonly optimizer: OptimizerSettings;
  /** One a step. */
  readonly batches: readonly Batch[];
  /** For strategies that go by what comes to the kernels. */
  readonly calibration?: Batch;
  readonly sparsity: number;
  readonly blockShape: readonly [rows: number, columns: number];
  readonly allocation?: Allocation | undefined;
  readonly draws: Draws;
  /** To see what rounding does to this training; nothing is rounded, when absent. */
  readonly round?: Rounding;
}

/** A moment of training: of each kernel its mask, and of each parameter what the network computes with. */
export interface Moment {
  readonly masks: readonly string[];
  readonly weights: readonly Float64Array[];
}

export interface TrainingRecord {
  /** Before the first step and after each, with the choices of the next step made. */
  readonly moments: readonly Moment[];
  /** Of each step, before it is taken. */
  readonly losses: readonly number[];
  readonly final: readonly Float64Array[];
  /** The smallest relative difference between what was kept and what was not. */
  readonly gap: number;
  /** How near any function came to where it has no derivative. */
  readonly kink: number;
}

/** The network's parameters are trained in place. */
export function train(training: Training, strategy: Strategy): TrainingRecord {
  const { network, batches, sparsity } = training;
  const closest = new Closest();
  const run: Run = {
    kernels: network.kernels.map((raw) => takeOver(raw, training, strategy)),
    steps: batches.length,
    sparsity,
    allocation: training.allocation ?? strategy.allocation ?? uniform,
    optimizer: new Optimizer(training.optimizer, training.round),
    round: training.round ?? exactly,
    draws: training.draws,
    closest,
    calibrate: () => calibrate(training, run, rules),
  };
  const rules: Rules = strategy.run(run);
  rules.before?.(0);
  const moments = [momentOf(network, run, rules)];
  const losses: number[] = [];
  batches.forEach((batch, step) => {
    const pass = new RecordedPass(run, rules);
    const { loss, gradients } = differentiate(network, pass, batch);
    losses.push(loss);
    closest.noteKink(pass.tape.nearestKink);
    if (rules.trains?.(step) ?? true) update(run, rules, step, gradients);
    pass.finish();
    rules.after?.(step);
    if (step + 1 < batches.length) rules.before?.(step + 1);
    moments.push(momentOf(network, run, rules));
  });
  rules.finish?.();
  const { gap, kink } = closest;
  return { moments, losses, final: momentOf(network, run, rules).weights, gap, kink };
}

function takeOver(raw: KernelParameter, { blockShape, sparsity }: Training, strategy: Strategy): Kernel {
  const grid = cut(raw.matrix, blockShape);
  if (strategy.raw) raw.values.set(strategy.raw(grid, raw.values));
  const start = strategy.added?.(grid);
  const added = start
    ? parameter(`${raw.name} of blocks`, start.shape, strategy.addedDecays === false ? 0 : raw.decay)
    : null;
  added?.values.set(start?.values ?? []);
  return {
    raw,
    grid,
    mask: everyBlock(grid.blocks),
    density: 1 - sparsity,
    added,
    gradient: new Float64Array(raw.values.length),
    inputSquares: new Float64Array(raw.values.length),
  };
}

/** A prediction of the calibration inputs, with what the network computes with now. */
function calibrate({ network, calibration }: Training, run: Run, rules: Rules): void {
  for (const kernel of run.kernels) kernel.inputSquares.fill(0);
  const { shape, x } = calibration!;
  const pass = new RecordedPass(run, rules, true);
  network.output(pass, { shape, nodes: x.map((value) => pass.tape.leaf(value)) });
}

/** The optimiser's step, of which the still blocks know nothing. */
function update(
  { kernels, optimizer }: Run,
  rules: Rules,
  step: number,
  gradients: Map<Parameter, number[]>,
): void {
  const stillOf = kernels.map((kernel) => {
    const still = rules.still?.(kernel);
    const places = still ? kernel.grid.blockOf.flatMap((block, i) => (still[block] ? [i] : [])) : [];
    return { raw: kernel.raw, places, before: kernel.raw.values.slice() };
  });
  for (const { raw, places } of stillOf) for (const i of places) gradients.get(raw)![i] = 0;
  rules.trainAdded?.(step, gradients);
  optimizer.step(gradients);
  for (const { raw, places, before } of stillOf) for (const i of places) raw.values[i] = before[i];
}

/** Remembers which nodes stand for what is trained, and for what the network computes with. */
class RecordedPass implements Pass {
  readonly tape: Tape;
  /** What is trained. */
  readonly leaves = new Map<Parameter, readonly Node[]>();
  readonly #read = new Map<Parameter, readonly Node[]>();
  readonly #remembered: [Parameter, readonly number[]][] = [];
  readonly kernels: readonly Kernel[];

  constructor(
    run: Run,
    private readonly rules: Rules,
    readonly predicts = false,
  ) {
    this.kernels = run.kernels;
    this.tape = new Tape(run.round);
  }

  read(parameter: Parameter): readonly Node[] {
    const known = this.#read.get(parameter);
    if (known) return known;
    const kernel = this.kernels.find(({ raw }) => raw === parameter);
    const nodes = kernel ? this.#effective(kernel) : this.leaf(parameter);
    this.#read.set(parameter, nodes);
    return nodes;
  }

  meets(parameter: KernelParameter, squares: (row: number, column: number) => number): void {
    const kernel = this.predicts && this.kernels.find(({ raw }) => raw === parameter);
    if (!kernel) return;
    const [, columns] = parameter.matrix;
    kernel.inputSquares.forEach((sum, i) => {
      kernel.inputSquares[i] = sum + squares(Math.floor(i / columns), i % columns);
    });
  }

  remember(parameter: Parameter, values: readonly number[]): void {
    this.#remembered.push([parameter, values]);
  }

  finish(): void {
    for (const [{ values }, next] of this.#remembered) values.set(next);
  }

  leaf(parameter: Parameter): readonly Node[] {
    const known = this.leaves.get(parameter);
    if (known) return known;
    const nodes = Array.from(parameter.values, (value) => this.tape.leaf(value));
    this.leaves.set(parameter, nodes);
    return nodes;
  }

  #effective(kernel: Kernel): readonly Node[] {
    const raw = this.leaf(kernel.raw);
    const added = kernel.added ? this.leaf(kernel.added) : [];
    return this.rules.effective?.(this.tape, kernel, raw, added) ?? masked(this.tape, kernel, raw);
  }
}

/** The derivatives of the loss by all that is trained; each kernel gets that by what the network computes with. */
function differentiate(
  network: Network,
  pass: RecordedPass,
  { shape, x, y }: Batch,
): { loss: number; gradients: Map<Parameter, number[]> } {
  const input: Tensor = { shape, nodes: x.map((value) => pass.tape.leaf(value)) };
  const output = network.output(pass, input);
  const { kernels } = pass;
  const trained = [...network.trainable, ...kernels.flatMap(({ added }) => added ?? [])];
  const decayed = trained
    .filter(({ decay }) => decay > 0)
    .map((parameter) => [parameter.decay, pass.leaf(parameter)] as const);
  const loss = lossOf(pass, output, y, decayed);
  const gradients = pass.tape.gradients(loss);
  const by = (nodes: readonly Node[]) => nodes.map((node) => gradients[node]);
  for (const kernel of kernels) kernel.gradient = Float64Array.from(by(pass.read(kernel.raw)));
  return {
    loss: pass.tape.value(loss),
    gradients: new Map(trained.map((parameter) => [parameter, by(pass.leaf(parameter))])),
  };
}

function momentOf({ parameters }: Network, run: Run, rules: Rules): Moment {
  const pass = new RecordedPass(run, rules);
  return {
    masks: run.kernels.map(({ mask }) => mask.join('')),
    weights: parameters.map((parameter) =>
      Float64Array.from(pass.read(parameter), (node) => pass.tape.value(node)),
    ),
  };
}
