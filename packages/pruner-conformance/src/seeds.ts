/** Check: chance comes from the run's seed. */
import { ensure, type Check } from './conformance.js';
import { difference, onBackend, recordRun, startRun, stepsFor } from './workbench.js';

/**
 * Two runs of one seed are the same to the last bit. Runs of two seeds, the same in all else, are not, where the
 * strategy has a setting `seed` and so leaves something to chance: else a ± over seeds would be that of one draw.
 */
export const checkSeeds: Check = onBackend(async (makePruner, options) => {
  const totalSteps = stepsFor(makePruner(), options);
  const run = async (seed: number) =>
    recordRun(await startRun(makePruner(), { totalSteps, target: { seed } }));
  const one = await run(1);
  const differs = difference(one, await run(1));
  ensure(
    differs === null,
    `Two runs of the same seed differ: ${differs}. Draw from the seed of the kernel or of the choice alone`,
  );
  const draws = 'seed' in makePruner().settings;
  ensure(
    !draws || difference(one, await run(2)) !== null,
    'Runs of two seeds are the same, though the strategy has a setting `seed`: draw from the seed of the kernel or of ' +
      'the choice, which is of the run, and let the setting only vary it, as in deriveSeed(kernel.seed, setting)',
  );
});
