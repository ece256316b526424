/** The `espalier` command: its commands, and what the exit codes say. 0 done, 1 a trial failed, 2 misused. */
import { createRequire } from 'node:module';

import { isUsageError } from '@espalier/experiment';
import { Command as Commander, CommanderError } from 'commander';

import type { Command } from './commands/command.js';
import { commands } from './commands/index.js';
import { InterruptedError } from './errors.js';

const MISUSED = 2;

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

/**
 * @param given what follows `espalier`
 * @returns the exit code, once what there is to say has been said
 */
export async function espalier(given: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Commander('espalier')
    .description('Structured pruning for TensorFlow.js: strategies head to head on identical workloads')
    .version(version)
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) })
    .exitOverride();
  for (const command of commands) {
    add(command, program, (ended) => {
      code = ended;
    });
  }
  try {
    await program.parseAsync(given, { from: 'user' });
    return code;
  } catch (error) {
    return exitCodeOf(error);
  }
}

function add(
  { usage, description, under, arguments: takes, run }: Command,
  program: Commander,
  ended: (code: number) => void,
): void {
  const parent = under ? parentOf(under, program) : program;
  takes(parent.command(usage).description(description)).action(async (...given: unknown[]) => {
    // The last one is commander's own description of the command.
    ended((await run(...given.slice(0, -1))) ?? 0);
  });
}

/** Several commands may be under one word. */
function parentOf({ name, description }: NonNullable<Command['under']>, program: Commander): Commander {
  const known = program.commands.find((command) => command.name() === name);
  return known ?? program.command(name).description(description);
}

/** Commander's refusal, which may come with a second line that suggests something, and where to look further. */
function oneLine(text: string): string {
  return `${text.trim().replaceAll('\n', ' ')} (--help shows what it takes)\n`;
}

/** Says what it was. */
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
