/**
 * The long form: ten thousand damaged models, as many checkpoints and calls of kernels; writes what came out to
 * `last-run.txt` beside this file, line by line as it comes.
 *
 *     node tools/fuzz/long.mjs [--cases 10000] [--seed 1]
 */
import { appendFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { fuzz } from './fuzz.mjs';

const RESULT = fileURLToPath(new URL('./last-run.txt', import.meta.url));
const PARTS = {
  models: 'damaged models',
  checkpoints: 'damaged checkpoints',
  kernels: 'wrong calls of kernels',
};

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
});
const [cases, seed] = [Number(values.cases), Number(values.seed)];

await writeFile(RESULT, `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, seed ${seed}\n`);
for (const [part, what] of Object.entries(PARTS)) {
  const wrong = await fuzz(part, { cases, seed });
  const found = wrong.length === 0 ? 'each refused, or the same, or within its own memory' : wrong.join('; ');
  const line = `${cases} ${what}: ${found}\n`;
  process.stdout.write(line);
  await appendFile(RESULT, line);
  if (wrong.length > 0) process.exitCode = 1;
}
