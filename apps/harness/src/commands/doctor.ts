/** `espalier doctor`: what of the machine can be used, what is missing, and the command that mends it. */
import { readdir } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';

import {
  inOrder,
  inspectBackends,
  placesBefore,
  type BackendDescription,
  type BackendInspection,
} from '@espalier/backend';
import { dataFolder } from '@espalier/datasets/data-folder';
import {
  describeAccelerator,
  findAccelerators,
  inspectAccelerators,
  type AcceleratorReport,
} from '@espalier/wasm-training/accelerators';

import type { Command } from './command.js';

export interface Diagnosis {
  readonly node: { readonly version: string; readonly platform: string };
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly memoryBytes: number;
  };
  /** Whether WebAssembly may fuse a multiplication and an addition, by which products gain a third. */
  readonly relaxedSimd: boolean;
  /** Every kind of what multiplies faster than the wasm backend alone. */
  readonly accelerators: readonly AcceleratorReport[];
  readonly backends: readonly BackendInspection[];
  readonly auto: Automatic;
  readonly data: { readonly folder: string; readonly sets: readonly string[] };
}

/** What a command takes that is told neither backend nor accelerators. */
export interface Automatic {
  /** Null where no backend starts. */
  readonly backend: BackendDescription | null;
  /** What comes before it in the order, and so is not present; in words. */
  readonly before: readonly string[];
  /** The names of the accelerators that it is given; none but wasm has any. */
  readonly accelerators: readonly string[];
}

export const doctor: Command = {
  usage: 'doctor',
  description: 'what of this machine can be used, what is missing, and the command that mends it',
  arguments: (command) =>
    command
      .option('--data <folder>', "where data lies (default: $ESPALIER_DATA, then the user's cache)")
      .option('--json', 'as JSON'),
  run,
};

async function run(options: { data?: string; json?: boolean }): Promise<void> {
  const diagnosis = await diagnose(options.data);
  process.stdout.write(options.json ? `${JSON.stringify(diagnosis, null, 2)}\n` : `${toText(diagnosis)}\n`);
}

async function diagnose(asked: string | undefined): Promise<Diagnosis> {
  const processors = cpus();
  const folder = dataFolder(asked);
  const { relaxedSimdSupported } = await import('@espalier/wasm-training/relaxed-simd');
  // As many as there are cores: what a trial could have.
  const threads = { threads: processors.length };
  const [accelerators, usual, backends, sets] = await Promise.all([
    inspectAccelerators(threads),
    findAccelerators('auto', threads),
    inspectBackends(),
    dataSetsIn(folder),
  ]);
  return {
    node: { version: process.version, platform: `${process.platform} ${process.arch}` },
    machine: {
      processor: processors[0]?.model ?? 'unknown processor',
      cores: processors.length,
      memoryBytes: totalmem(),
    },
    relaxedSimd: relaxedSimdSupported,
    accelerators,
    backends,
    auto: automatic(backends, usual),
    data: { folder, sets },
  };
}

/** @param usual what the accelerators `auto` come to */
export function automatic(
  backends: readonly BackendInspection[],
  usual: readonly AcceleratorReport[],
): Automatic {
  const [backend = null] = inOrder(backends.flatMap(({ present }) => present ?? []));
  return {
    backend,
    before: backend ? placesBefore(backend).map(({ what }) => what) : [],
    accelerators:
      backend?.name === 'wasm' ? usual.filter(({ absence }) => absence === null).map(({ name }) => name) : [],
  };
}

/** A data set is a folder of its own; none where there is nothing yet. */
async function dataSetsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

const LABEL = 14;

/** The diagnosis for a person: a line for each thing, and under it what mends it. */
export function toText(diagnosis: Diagnosis): string {
  const { node, machine, relaxedSimd, accelerators, backends, auto, data } = diagnosis;
  const gigabytes = (machine.memoryBytes / 1e9).toFixed(1);
  return [
    line('Node', `${node.version}, ${node.platform}`),
    line('machine', `${machine.processor}, ${machine.cores} cores, ${gigabytes} GB of memory`),
    line('relaxed SIMD', relaxedSimd ? 'present' : 'missing: Node 20 or later has it'),
    ...accelerators.map((report, i) => line(i === 0 ? 'accelerators' : '', acceleratorText(report))),
    line('data', `${data.folder}: ${data.sets.join(', ') || 'nothing yet (espalier data get mnist)'}`),
    '',
    ...backends.flatMap(backendLines),
    '',
    ...autoLines(auto),
  ].join('\n');
}

function line(label: string, text: string): string {
  return `${label.padEnd(LABEL)}${text}`;
}

function acceleratorText(report: AcceleratorReport): string {
  const text = describeAccelerator(report);
  return text === report.name ? `${text}: present` : `${report.name}: ${text}`;
}

function autoLines({ backend, before, accelerators }: Automatic): string[] {
  if (!backend) return [line('auto takes', 'nothing: no backend starts')];
  const helped = accelerators.length > 0 ? `, with ${accelerators.join(', ')}` : '';
  const why = before.length > 0 ? `as there is no ${before.join(', and no ')}` : 'as nothing comes before it';
  return [line('auto takes', `${backend.name}: ${backend.device}${helped}`), line('', why)];
}

function backendLines({ name, present, missing, remedy, adapters, facts }: BackendInspection): string[] {
  const below = [
    ...facts,
    missing !== null && `missing: ${missing}`,
    remedy !== null && `mend it: ${remedy}`,
    adapters.length > 0 && `adapters: ${adapters.join('; ')} (one by name: --backend webgpu:<part of it>)`,
  ].filter((text) => text !== false);
  return [line(name, present ? present.device : 'not present'), ...below.map((text) => line('', text))];
}
