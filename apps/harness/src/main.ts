/** The `espalier` command: what it takes, and what its exit codes say. 0 done, 1 a trial failed, 2 misused. */
import { createRequire } from 'node:module';

import { Command, CommanderError, Option } from 'commander';

import { compare, type CompareOptions } from './commands/compare.js';
import { getData } from './commands/data.js';
import { doctor } from './commands/doctor.js';
import { list } from './commands/list.js';
import { report, reportFormats } from './commands/report.js';
import { theory, type TheoryCommandOptions } from './commands/theory.js';
import { InterruptedError, isUsageError } from './errors.js';
import * as options from './options.js';
import { defaultPruners } from './registry.js';

const MISUSED = 2;

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

const program = new Command('espalier')
  .description('Structured pruning for TensorFlow.js: strategies head to head on identical workloads')
  .version(version)
  .configureOutput({ outputError: (text, write) => write(oneLine(text)) })
  .exitOverride();

program
  .command('compare')
  .description('train the dense baseline and every strategy on one workload, and print the comparison')
  .option('--workload <name or module>', 'what to train', 'planted-blocks')
  .option(
    '--pruners <a,b,…>',
    `strategies, by name or module (default: ${defaultPruners.join(', ')})`,
    options.names,
  )
  .option('--sparsity <0.9,0.95>', "targets (default: the workload's)", options.sparsities)
  .option('--block <16x16,32x32>', "block shapes (default: the workload's)", options.blockShapes)
  .option('--seeds <0,1,2>', "seeds (default: the workload's)", options.seeds)
  .option('--epochs <n>', "training length (default: the workload's)", options.epochs)
  .option(
    '--backend <auto,tensorflow,webgpu,wasm,cpu>',
    'where to compute; webgpu:<part of a name> takes that adapter',
    options.backend,
    'auto',
  )
  .option(
    '--sparse-phases <on,off>',
    'compute with the kept blocks alone while blocks are masked out, in each layer where that is faster',
    options.onOrOff,
    true,
  )
  .option(
    '--blas <auto,off,path>',
    "the system's BLAS for products on wasm: the first that is found, none, or a library",
    options.blas,
    'auto',
  )
  .option('--jobs <n>', 'trials side by side (default: by backend and cores)', options.jobs)
  .option('--data <folder>', "where data lies (default: $ESPALIER_DATA, then the user's cache)")
  .option('--out <folder>', 'where results go (default: runs/<time>-<workload>)')
  .option('--config <file>', 'espalier.config.ts with own strategies and workloads (default: found upwards)')
  .option('--reference <strategy>', 'what paired differences are taken against', 'dense')
  .action(async (given: CompareOptions) => {
    process.exitCode = await compare(given);
  });

program
  .command('list')
  .description('the strategies and workloads, a line each')
  .option('--config <file>', 'espalier.config.ts (default: found upwards)')
  .option('--json', 'as JSON')
  .action(list);

program
  .command('doctor')
  .description('what of this machine can be used, what is missing, and the command that mends it')
  .option('--data <folder>', "where data lies (default: $ESPALIER_DATA, then the user's cache)")
  .option('--json', 'as JSON')
  .action(doctor);

program
  .command('report <folder>')
  .description('print the table of an earlier comparison again')
  .addOption(new Option('--format <format>', 'how').choices(reportFormats).default('table'))
  .action(report);

program
  .command('data')
  .description('data sets')
  .command('get <name>')
  .description('download a data set (mnist) into the data folder')
  .option('--data <folder>', "where data lies (default: $ESPALIER_DATA, then the user's cache)")
  .option('--from <address>', 'another address to download from')
  .action(getData);

program
  .command('theory')
  .description("check the paper's theory numerically: claim, problem, left side, right side, difference")
  .option('--seed <n>', 'of the random problems', options.seed, 0)
  .option('--problems <n>', 'random problems of each kind', options.problems, 2)
  .option('--json', 'as JSON')
  .action((given: TheoryCommandOptions) => {
    process.exitCode = theory(given);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
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
