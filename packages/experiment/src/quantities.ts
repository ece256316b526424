/** Quantities in words, to two places: how long, and how large. */

import { assertArgument } from '@espalier/core';

import { anyNumber } from './arguments.js';

export function duration(ms: number): string {
  assertArgument('duration()', 'ms', ms, anyNumber);
  const [unit, size] = ms < 59_500 ? ['s', 1000] : ms < 3_570_000 ? ['min', 60_000] : ['h', 3_600_000];
  const amount = ms / (size as number);
  return `${amount < 10 ? Number(amount.toPrecision(2)) : Math.round(amount)} ${unit}`;
}

export function formatBytes(bytes: number): string {
  assertArgument('formatBytes()', 'bytes', bytes, anyNumber);
  const [unit, size] = bytes < 1e6 ? ['kB', 1e3] : bytes < 1e9 ? ['MB', 1e6] : ['GB', 1e9];
  const amount = bytes / (size as number);
  return `${amount < 10 ? Number(amount.toPrecision(2)) : Math.round(amount)} ${unit}`;
}
