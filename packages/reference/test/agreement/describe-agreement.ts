/** The tests of a group of strategies: step by step as the reference. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { agreementOf, type Setting } from '../agreement.js';
import { eachKind } from '../matrix.js';
import type { Pair } from '../pairs/pair.js';

type Pairs = Readonly<Record<string, Pair>>;

/** Weights may differ by so much. */
export const TOLERANCE = 1e-4;

/** The strategies on every other kind of layer, each with all others in `long.test.ts`; their variants on two. */
export function describeAgreement({ strategies, variants }: { strategies: Pairs; variants: Pairs }): void {
  beforeAll(() => tf.setBackend('cpu'));
  Object.entries(strategies).forEach(([name, pair], i) => describeSettings(name, pair, everyOther(i)));
  Object.entries(variants).forEach(([name, pair], i) => {
    const settings = eachKind(i + 1);
    const [one, other] = [(2 * i) % settings.length, (2 * i + 1) % settings.length];
    describeSettings(name, pair, [settings[one], settings[other]]);
  });
}

/** A strategy and the next have all kinds between them, and those after them every optimiser and block shape. */
function everyOther(strategy: number): Setting[] {
  return eachKind(Math.floor(strategy / 2)).filter((_, i) => (i + strategy) % 2 === 0);
}

function describeSettings(name: string, pair: Pair, settings: readonly Setting[]): void {
  describe(`${name}, step by step as the reference`, () => {
    it.each(settings.map((setting) => [inWords(setting), setting] as const))('%s', async (_, setting) => {
      const { masks, weights } = await agreementOf(pair, setting);
      expect(masks).toBeNull();
      expect(weights).toBeLessThan(TOLERANCE);
    });
  });
}

function inWords({ kind, optimizer, blockShape }: Setting): string {
  return `${kind} under ${optimizer} in blocks of ${blockShape.join(' × ')}`;
}
