#!/usr/bin/env node
/** `npm create espalier-pruner my-method [-- --op]`. Exit codes: 0 written; 2 misused, with one line that says how to mend it. */
import { relative } from 'node:path';
import { parseArgs } from 'node:util';

import { createPackage } from '../src/index.js';

const USAGE = 'npm create espalier-pruner my-method [-- --op]';

try {
  const { name, op } = asked();
  const { folder, files } = createPackage(process.cwd(), { name, op });
  const place = relative(process.cwd(), folder);
  process.stdout.write(`${files.map((file) => `  ${place}/${file}\n`).join('')}
Next:
  cd ${place}
  npm install
  npm test                 # its own tests, and what every strategy must keep
  npm run compare          # beside magnitude, in a table
  edit src/index.ts

The guide: docs/a-method-of-your-own.md of Espalier
`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}

/** @throws Error, of one line, for what is no name and no option */
function asked() {
  try {
    const { values, positionals } = parseArgs({
      options: { op: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    if (positionals.length > 1) throw new Error(`One name, not ${positionals.length}`);
    return { name: positionals[0], op: values.op };
  } catch (error) {
    const [first] = error.message.split(/\. To specify|\n/);
    throw new Error(`${first}: ${USAGE}`, { cause: error });
  }
}
