/** `espalier theory`: the paper's theory checked numerically, a line a claim, as they are decided. */
import { checkTheory, type ClaimResult } from '@espalier/theory';
import Table from 'cli-table3';

import * as options from '../options.js';
import type { Command } from './command.js';

export const theory: Command = {
  usage: 'theory',
  description: "check the paper's theory numerically: claim, problem, left side, right side, difference",
  arguments: (command) =>
    command
      .option('--seed <n>', 'of the random problems', options.seed, 0)
      .option('--problems <n>', 'random problems of each kind', options.problems, 2)
      .option('--json', 'as JSON'),
  run,
};

interface TheoryOptions {
  readonly seed: number;
  readonly problems: number;
  readonly json?: boolean;
}

const number = (value: number) => (Number.isNaN(value) ? '—' : Number(value.toPrecision(9)).toString());

/** @returns the exit code: 0 when every claim holds, 1 otherwise */
function run({ seed, problems, json }: TheoryOptions): number {
  const results = checkTheory({ seed, problems, onClaim: json ? () => {} : showProgress });
  if (json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  else process.stdout.write(`${draw(results)}\n`);
  return results.every(({ holds }) => holds) ? 0 : 1;
}

function showProgress({ claim, holds }: ClaimResult): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${holds ? 'holds' : 'FAILS'}: ${claim}`);
}

function draw(results: readonly ClaimResult[]): string {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const table = new Table({
    head: ['claim', 'problem', 'quantity', 'left', '', 'right', 'difference', ''],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'left', 'left', 'right', 'center', 'right', 'right', 'left'],
    colWidths: [44, 34],
    wordWrap: true,
  });
  table.push(
    ...results.map(({ claim, problem, quantity, left, relation, right, difference, holds }) => [
      claim,
      problem,
      quantity,
      number(left),
      relation,
      number(right),
      difference.toExponential(1),
      holds ? 'holds' : 'FAILS',
    ]),
  );
  const failing = results.filter(({ holds }) => !holds).length;
  const verdict =
    failing === 0 ? `all ${results.length} hold` : `${failing} of ${results.length} do not hold`;
  return `${table.toString()}\n${verdict}`;
}
