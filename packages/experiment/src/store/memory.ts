/** A store in memory: for a page, a script, a test. It lives as long as its variable. */
import { canonicalJson, hashOf, textHash } from '../trial/hashes.js';
import type { MaskRecord } from '../trial/masks.js';
import type { Trial, TrialResult } from '../trial/trial.js';
import {
  NOBODY,
  type Checkpoint,
  type Failure,
  type LeaseKey,
  type ModelsToSave,
  type SavedModels,
  type StepMetrics,
  type Store,
  type TrialStore,
} from './store.js';
import { Doubtful, LeaseLost } from './trouble.js';

export function memoryStore(): Store {
  const documents = new Map<string, string>();
  const places = new Map<string, Place>();
  return {
    address: null,
    read: async (name) => documents.get(name) ?? null,
    async write(name, text) {
      documents.set(name, text);
    },
    async create(name, text) {
      if (documents.has(name)) return false;
      documents.set(name, text);
      return true;
    },
    trials: async () => [...places].filter(([, { trial }]) => trial !== null).map(([name]) => name),
    trial(name, lease = NOBODY) {
      const place = places.get(name) ?? emptyPlace();
      places.set(name, place);
      return memoryTrial(place, lease);
    },
  };
}

interface Place {
  trial: Trial | null;
  result: TrialResult | null;
  checkpoint: Checkpoint | null;
  models: ModelsToSave | null;
  failure: Failure | null;
  masks: MaskRecord | null;
  readonly steps: StepMetrics[];
  lease: LeaseKey;
  held: boolean;
}

const emptyPlace = (): Place => ({
  ...{ trial: null, result: null, checkpoint: null, models: null, failure: null, masks: null, steps: [] },
  ...{ lease: NOBODY, held: false },
});

/** What is kept is a copy, as a file would be. Its owners live and die with it: none is ever taken over. */
function memoryTrial(place: Place, key: LeaseKey): TrialStore {
  const { steps } = place;
  const allowed = () => {
    const { owner, number } = place.lease;
    const inForce = place.held || number === NOBODY.number;
    if (inForce && owner === key.owner && number === key.number) return;
    throw new LeaseLost('The trial has been taken over by another comparison, or given up');
  };
  const mark = (length: number) => ({ length, sha256: textHash(canonicalJson(steps.slice(0, length)), 64) });
  return {
    async claim() {
      if (place.held) return 'another comparison';
      const number = place.lease.number + 1;
      const lease = { owner: `${number}`, number };
      place.lease = lease;
      place.held = true;
      const release = async () => {
        if (place.lease.number === number) place.held = false;
      };
      return { ...lease, kills: 0, release };
    },
    holder: async () => (place.held ? 'another comparison' : null),
    trial: async () => structuredClone(place.trial),
    async begin(trial) {
      allowed();
      // As a file would keep it: settings may hold functions.
      place.trial = JSON.parse(JSON.stringify(trial)) as Trial;
      place.failure = null;
    },
    result: async () => structuredClone(place.result),
    async publish(ended) {
      allowed();
      place.result ??= structuredClone(ended);
      place.checkpoint = null;
      place.failure = null;
      return structuredClone(place.result);
    },
    failure: async () => structuredClone(place.failure),
    async saveFailure(failed) {
      allowed();
      place.failure = structuredClone(failed);
    },
    tidy: async () => {},
    checkpoint: async () => structuredClone(place.checkpoint),
    async saveCheckpoint(standing) {
      allowed();
      place.checkpoint = structuredClone(standing);
    },
    async saveModels(models) {
      allowed();
      place.models = structuredClone(models);
    },
    models: async () => place.models && listed(place.models),
    async modelFile({ path }) {
      const bytes = place.models?.files[path];
      if (!bytes) throw new Doubtful(`${path} was not saved`);
      return bytes.slice();
    },
    masks: async () => structuredClone(place.masks),
    async saveMasks(chosen) {
      allowed();
      place.masks = structuredClone(chosen);
    },
    metrics: {
      async start() {
        allowed();
        steps.length = 0;
      },
      async append(more) {
        allowed();
        steps.push(...structuredClone(more));
      },
      mark: async () => mark(steps.length),
      async rewind(before) {
        allowed();
        if (steps.length < before.length || mark(before.length).sha256 !== before.sha256) return false;
        steps.length = before.length;
        return true;
      },
      read: async () => structuredClone(steps),
    },
  };
}

function listed({ files, ...models }: ModelsToSave): SavedModels {
  const list = Object.entries(files).map(([path, bytes]) => ({
    ...{ path, bytes: bytes.length, sha256: hashOf([bytes], 64) },
  }));
  return { ...models, files: list };
}
