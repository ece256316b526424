/**
 * A hundred thousand steps with flat memory, on wasm; writes what came out to `last-run.txt` beside this file.
 *
 *     node --expose-gc tools/flat-memory/long.mjs [--steps 100000]
 */
import { appendFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { startBackend } from '@espalier/backend';

import { flatMemory } from './flat-memory.mjs';

const RESULT = fileURLToPath(new URL('./last-run.txt', import.meta.url));
const { values } = parseArgs({ options: { steps: { type: 'string', default: '100000' } } });

async function say(line) {
  process.stdout.write(`${line}\n`);
  await appendFile(RESULT, `${line}\n`);
}

await writeFile(RESULT, `${new Date().toISOString().slice(0, 10)}, Node ${process.version}\n`);
await startBackend('wasm');
const lines = [];
const grown = await flatMemory({
  steps: Number(values.steps),
  runSteps: 1000,
  onRun: (line) => lines.push(line),
});
for (const line of lines.filter((_, i) => i % 15 === 14 || i === lines.length - 1)) await say(line);
await say(grown.length === 0 ? 'flat' : grown.join('\n'));
if (grown.length > 0) process.exitCode = 1;
