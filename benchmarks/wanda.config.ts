/** Wanda beside magnitude, with and without a fine-tuning: the same moment of the choice, the same blocks, another score. */
import { magnitude } from '@espalier/magnitude';
import { wanda } from '@espalier/wanda';
import { defineConfig } from 'espalier/config';

const fineTunings = { 'fine-tuned': 0.1, untrained: 0 };

export default defineConfig({
  pruners: Object.fromEntries(
    Object.entries(fineTunings).flatMap(([how, fineTuning]) => {
      const { search, settings } = wanda({ fineTuning });
      return [
        [`magnitude-${how}`, () => ({ ...magnitude(), search, settings })],
        [`wanda-${how}`, () => wanda({ fineTuning })],
      ];
    }),
  ),
});
