/** Trains what was chosen, by the comparison that the command runs, and tells the page how it goes. */
import {
  compare,
  inPlace,
  memoryStore,
  prunerName,
  type StartedBackend,
  type Store,
  type Trial,
  type Watcher,
} from '@espalier/experiment';
import { readTrials } from '@espalier/report';
import type { Workload } from '@espalier/workloads';

import { startBackend } from './backend.js';
import type { Choice } from './choice.js';
import type { CompressedModel, Message } from './messages.js';
import { predictionTimes, type ModelFiles } from './speed.js';
import { loadStrategy } from './strategies.js';
import { workloadOf } from './workload.js';

/** Kernels are read from the device so often, in milliseconds: as often as the page draws. */
const LOOK_EVERY = 400;

addEventListener('message', ({ data }: MessageEvent<Choice>) => {
  run(data).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    tell({ kind: 'failed', message: message.split('\n')[0]! });
  });
});

function tell(message: Message): void {
  postMessage(message);
}

async function run(choice: Choice): Promise<void> {
  const { strategies, sparsity, blockShape, epochs, seed } = choice;
  // What is wrong with the data is said before anything is started.
  const workload = workloadOf(choice);
  const backend = await startBackend(choice.backend);
  const pruners = await Promise.all(strategies.map(loadStrategy));
  const store = memoryStore();
  let planned: readonly Trial[] = [];
  const indexOf = (trial: Trial) => planned.indexOf(trial);
  let looked = -Infinity;
  const executor = inPlace({
    backend,
    async onReading(trial, { steps, totalSteps, kernels }) {
      const now = performance.now();
      const isLast = steps.at(-1)?.step === totalSteps - 1;
      const looks = isLast || now - looked > LOOK_EVERY;
      if (looks) looked = now;
      const views = looks ? await kernels() : null;
      tell({ kind: 'reading', index: indexOf(trial), steps, totalSteps, kernels: views });
    },
  });
  const summary = await compare({
    ...{ workload, pruners, executor, store, epochs },
    ...{ sparsities: [sparsity], blockShapes: [blockShape], seeds: [seed], save: 'models' },
    watcher: watcherFor(backend, indexOf, (trials) => (planned = trials)),
  });
  tell({ kind: 'noted', line: 'Measuring predictions.' });
  const records = await readTrials(store);
  const models = await compressedModels(store, workload, seed);
  tell({ kind: 'done', summary, records, models });
}

function watcherFor(
  { device }: StartedBackend,
  indexOf: (trial: Trial) => number,
  setPlanned: (trials: readonly Trial[]) => void,
): Watcher {
  return {
    planned(trials) {
      setPlanned(trials);
      tell({ kind: 'planned', device, trials: trials.map((trial) => ({ name: prunerName(trial) })) });
    },
    started: (trial) => tell({ kind: 'started', index: indexOf(trial) }),
    ended(trial, outcome) {
      const loss = outcome.status === 'ok' ? (outcome.measures['loss'] ?? null) : null;
      const trouble = outcome.status === 'failed' ? outcome.message : outcome.status === 'diverged' ? 'its loss is not finite' : null; // prettier-ignore
      tell({ kind: 'ended', index: indexOf(trial), loss, trouble });
    },
    noted: (line) => tell({ kind: 'noted', line }),
  };
}

/** What the trials left, loaded again as whoever downloads it would load it. */
async function compressedModels(store: Store, workload: Workload, seed: number): Promise<CompressedModel[]> {
  const models: CompressedModel[] = [];
  for (const name of await store.trials()) {
    const place = store.trial(name);
    const [trial, saved] = [await place.trial(), await place.models()];
    const filesIn = async (folder: string): Promise<ModelFiles | null> => {
      const [modelJson, weights] = await Promise.all(
        ['model.json', 'weights.bin'].map(async (file) => {
          const found = saved?.files.find(({ path }) => path === `${folder}/${file}`);
          return found && new Uint8Array(await place.modelFile(found));
        }),
      );
      return modelJson && weights ? { modelJson, weights } : null;
    };
    const [dense, compressed] = [await filesIn('dense'), await filesIn('block-sparse')];
    if (!trial || !dense || !compressed) continue;
    const [densePredictMs, predictMs] = await predictionTimes([dense, compressed], workload, seed);
    models.push({
      ...{ ...compressed, strategy: prunerName(trial) },
      ...{ bytes: bytesOf(compressed), denseBytes: bytesOf(dense) },
      ...{ predictMs: predictMs!, densePredictMs: densePredictMs! },
    });
  }
  return models;
}

function bytesOf({ modelJson, weights }: ModelFiles): number {
  return modelJson.byteLength + weights.byteLength;
}
