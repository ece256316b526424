/**
 * The trials of `counted.config.mjs` one after another in this process, which nobody disturbs: what those on a queue are
 * to come to. Prints the summary.
 *
 *   node tools/queue-chaos/one-process.mjs <how many seeds>
 */
import { startBackend } from '@espalier/backend';
import { compare } from '@espalier/experiment';
import { magnitude } from '@espalier/magnitude';

import config from './counted.config.mjs';

await startBackend('wasm');
const seeds = Array.from({ length: Number(process.argv[2]) }, (_, i) => i);
const summary = await compare({ workload: config.workloads.counted, pruners: [magnitude()], seeds });
process.stdout.write(JSON.stringify(summary));
