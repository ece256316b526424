/** The `espalier` command: its commands, and what the exit codes say. 0 done, 1 a trial failed, 2 misused. */
import { createRequire } from 'node:module';

import { isUsageError } from '@espalier/experiment';
import { Command as Commander, CommanderError } from 'commander';

import { outliveReaders } from './closed-pipe.js';
import type { Command } from './commands/command.js';
import { commands } from './commands/index.js';
import { watchEnding } from './ending.js';
import { InterruptedError } from './errors.js';

const MISUSED = 2;

outliveReaders(process.stdout, process.stderr);

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

const program = new Commander('espalier')
  .description('Structured pruning for TensorFlow.js: strategies head to head on identical workloads')
  .version(version)
  .configureOutput({ outputError: (text, write) => write(oneLine(text)) })
  .exitOverride();

for (const command of commands) add(command);
const ended = watchEnding();

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
ended();

function add({ usage, description, under, arguments: takes, run }: Command): void {
  const parent = under ? parentOf(under) : program;
  takes(parent.command(usage).description(description)).action(async (...given: unknown[]) => {
    // The last one is commander's own description of the command.
    process.exitCode = (await run(...given.slice(0, -1))) ?? 0;
  });
}

/** Several commands may be under one word. */
function parentOf({ name, description }: NonNullable<Command['under']>): Commander {
  const known = program.commands.find((command) => command.name() === name);
  return known ?? program.command(name).description(description);
}

/** Commander's refusal, which may come with a second line that suggests something, and where to look further. */
function oneLine(text: string): string {
  return `${text.trim().replaceAll('\n', ' ')} (--help shows what it takes)\n`;
}

function exitCodeOf(error: unknown): number {
  // Commander has printed its own line already; asking for help is no misuse.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSED;
  if (error instanceof InterruptedError) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  if (isUsageError(error)) {
    process.stderr.write(`error: ${error.message}\n`);
    return MISUSED;
  }
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
}
