/** A store in memory: for a page, a script, a test. It lives as long as its variable. */
import type { TrialResult } from '../trial/trial.js';
import type { Checkpoint, StepMetrics, Store, TrialStore } from './store.js';

export function memoryStore(): Store {
  const documents = new Map<string, string>();
  const trials = new Map<string, TrialStore>();
  return {
    address: null,
    read: async (name) => documents.get(name) ?? null,
    async write(name, text) {
      documents.set(name, text);
    },
    trial(name) {
      const place = trials.get(name) ?? memoryTrial();
      trials.set(name, place);
      return place;
    },
  };
}

/** What is kept is a copy, as a file would be. */
function memoryTrial(): TrialStore {
  let result: TrialResult | null = null;
  let checkpoint: Checkpoint | null = null;
  const steps: StepMetrics[] = [];
  return {
    begin: async () => {},
    result: async () => structuredClone(result),
    async publish(ended) {
      result = structuredClone(ended);
      checkpoint = null;
    },
    tidy: async () => {},
    checkpoint: async () => structuredClone(checkpoint),
    async saveCheckpoint(standing) {
      checkpoint = structuredClone(standing);
    },
    metrics: {
      async start() {
        steps.length = 0;
      },
      async append(more) {
        steps.push(...structuredClone(more));
      },
      length: async () => steps.length,
      async rewind(length) {
        steps.length = length;
      },
      read: async () => structuredClone(steps),
    },
  };
}
