/** The options that commands which run trials have in common. */
import type { BackendChoice } from '@espalier/backend';
import type { AllocationName, Overrides } from '@espalier/core';
import type { ScaleName } from '@espalier/workloads';
import type { Command as Commander } from 'commander';

import * as options from '../options.js';
import { defaultPruners, defaultWorkload } from '../registry.js';

/** What is trained. */
export interface SubjectOptions {
  readonly workload: string;
  readonly pruners?: readonly string[];
  readonly scale: ScaleName;
  readonly sparsity?: readonly number[];
  readonly block?: readonly (readonly [number, number])[];
  readonly override?: Overrides;
  readonly epochs?: number;
  readonly set?: options.SetOptions;
}

export const subject = (command: Commander): Commander =>
  command
    .option('--workload <name or module>', 'what to train', defaultWorkload)
    .option(
      '--pruners <a,b,…>',
      `strategies, by name or module (default: ${defaultPruners.join(', ')})`,
      options.names,
    )
    .option(
      '--scale <smoke,small,paper>',
      "how much of the workload's recipe: seconds, some minutes a trial, or the published one",
      options.scale,
      'small',
    )
    .option('--sparsity <0.9,0.95>', "targets (default: the workload's)", options.sparsities)
    .option('--block <16x16,32x32>', "block shapes (default: the workload's)", options.blockShapes)
    .option(
      '--override <kernel=sparsity[@RxC]>',
      "sparsity and block shape of one kernel, such as dense_1/kernel=0.5@8x8; repeatable (default: the target's)",
      options.override,
    )
    .option('--epochs <n>', "training length (default: the workload's)", options.epochs)
    .option(
      '--set <strategy.setting=value>',
      'a setting of a strategy, or of its training: learningRateFactor, weightDecay; repeatable',
      options.set,
    );

/** Where and how it is computed. */
export interface ComputingOptions {
  readonly backend: BackendChoice;
  readonly accelerators: 'auto' | 'off' | readonly string[];
  readonly sparsePhases: boolean;
  readonly jobs?: number;
  readonly threads?: number;
  readonly trialTimeout?: number;
  readonly data?: string;
  readonly out?: string;
  readonly config?: string;
}

export const computing = (command: Commander): Commander =>
  command
    .option(
      '--backend <auto,tensorflow,webgpu,wasm,cpu>',
      'where to compute; webgpu:<part of a name> takes that adapter, tensorflow:<version> that version',
      options.backend,
      'auto',
    )
    .option(
      '--accelerators <auto,off or onednn,blas,threads>',
      'what multiplies faster on wasm: all that is found, none, or these; blas:<path> is a library',
      options.accelerators,
      'auto',
    )
    .option(
      '--sparse-phases <on,off>',
      'compute with the kept blocks alone while blocks are masked out, in each layer where that is faster',
      options.onOrOff,
      true,
    )
    .option('--jobs <n>', 'trials side by side (default: by backend and cores)', options.jobs)
    .option('--threads <n>', 'threads of each trial, on wasm or tensorflow (default: 1)', options.threads)
    .option(
      '--trial-timeout <minutes>',
      'what a trial may take before it fails and the others go on (default: no limit)',
      options.minutes,
    )
    .option('--data <folder>', "where data lies (default: $ESPALIER_DATA, then the user's cache)")
    .option('--out <folder>', 'where results go (default: runs/<time>-<name>)')
    .option(
      '--config <file>',
      "espalier.config.ts with own strategies and workloads (default: found upwards, to the package's root)",
    );

export const allocation = (command: Commander): Commander =>
  command.option(
    '--allocation <uniform,global,erdos-renyi-kernel>',
    "how the budget is shared over the layers, for all strategies (default: the workload's, then the strategy's own, then uniform)",
    options.allocationNames,
  );

export interface AllocationOptions {
  readonly allocation?: readonly AllocationName[];
}

/** Who runs the trials, where others do. */
export interface QueueOptions {
  readonly queue?: string;
  readonly mixed?: boolean;
  readonly memory?: number;
}

export const queued = (command: Commander): Commander =>
  command
    .option(
      '--queue <url>',
      'hand the trials out to espalier worker on any machine: redis://, rediss://, valkey:// or postgres:// (default: they run here)',
    )
    .option(
      '--memory <GiB>',
      'with --queue: what a trial takes; workers that have less do not take it (default: not asked)',
      options.gibibytes,
    )
    .option(
      '--mixed',
      'with --queue: let a trial go on from a checkpoint of another kind of processor (default: it is trained again)',
    );

/** What a machine has that runs what another planned. */
export const ownOptions = (command: Commander): Commander =>
  command
    .option(
      '--backend <auto,tensorflow,webgpu,wasm,cpu>',
      'refuse trials that compute elsewhere (default: as each was planned)',
      options.backend,
    )
    .option(
      '--modules <a,b,…>',
      'modules of strategies and workloads that it may run besides those of espalier list: paths or scoped packages',
      options.names,
    )
    .option(
      '--grace <seconds>',
      'what a trial that is told to stop may take for its checkpoint (default: 5)',
      options.seconds,
    )
    .option('--data <folder>', "where data lies (default: $ESPALIER_DATA, then the user's cache)")
    .option(
      '--config <file>',
      "espalier.config.ts with own strategies and workloads (default: found upwards, to the package's root)",
    );
