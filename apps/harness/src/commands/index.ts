/** The commands of `espalier`, in the order of its help. */
import type { Command } from './command.js';
import { compare } from './compare.js';
import { compressCommand } from './compress.js';
import { getData, listData, prepareData, verifyData } from './data.js';
import { doctor } from './doctor.js';
import { exportCommand } from './export.js';
import { inspect } from './inspect.js';
import { list } from './list.js';
import { plan } from './plan.js';
import { prune } from './prune.js';
import { report } from './report.js';
import { reproduce } from './reproduce.js';
import { runCommand } from './run.js';
import { shrinkCommand } from './shrink.js';
import { status } from './status.js';
import { tensorflowInstall, tensorflowRemove, tensorflowState } from './tensorflow.js';
import { theory } from './theory.js';
import { tune } from './tune.js';
import { worker } from './worker.js';

export const commands: readonly Command[] = [
  compare,
  tune,
  reproduce,
  plan,
  runCommand,
  worker,
  status,
  list,
  doctor,
  report,
  exportCommand,
  inspect,
  prune,
  compressCommand,
  shrinkCommand,
  listData,
  getData,
  prepareData,
  verifyData,
  tensorflowInstall,
  tensorflowState,
  tensorflowRemove,
  theory,
];
