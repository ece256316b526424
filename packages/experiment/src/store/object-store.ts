/**
 * A store in a bucket: the documents of a folder as objects, on any server of the S3 kind that has conditional writes.
 * There is no order between writes of several machines, so none is relied on: the lease is one object that is replaced
 * only as it was read; a result is written where there is none; checkpoint and log have the owner's number in their
 * names, so that one who lost the trial writes beside its successor, never over.
 */
import { createHash } from 'node:crypto';

import * as z from 'zod';

import { UsageError } from '../errors.js';
import { trialId } from '../trial/identity.js';
import type { MaskRecord } from '../trial/masks.js';
import { bucketAt, type Bucket, type StoredObject } from './bucket.js';
import { pack, unpack } from './checkpoint-file.js';
import { LEASE_TIMES, type LeaseTimes } from './lease.js';
import { isAlive, newOwner, ownerSchema } from './owner.js';
import { failureSchema, maskSchema, modelsSchema, resultSchema, trialSchema } from './schemas.js';
import { seal, unseal, type Format } from './sealed.js';
import {
  NOBODY,
  type Lease,
  type LeaseKey,
  type SavedFile,
  type StepLog,
  type StepMetrics,
  type Store,
  type TrialStore,
} from './store.js';
import { Doubtful, LeaseLost } from './trouble.js';

/** @throws UsageError where it cannot be written to */
export async function openBucket(address: string): Promise<Store & { readonly address: string }> {
  const bucket = await bucketAt(address);
  try {
    await bucket.put('.espalier', '');
  } catch (error) {
    throw new UsageError(`The store cannot be used: ${(error as Error).message}`);
  }
  return bucketStore(bucket);
}

export function bucketStore(
  bucket: Bucket,
  times: LeaseTimes = LEASE_TIMES,
): Store & { readonly address: string } {
  return {
    address: bucket.address,
    async read(name) {
      const found = await bucket.get(name);
      return found && textOf(found);
    },
    write: async (name, text) => void (await bucket.put(name, text)),
    create: async (name, text) => (await bucket.put(name, text, { absent: true })) !== null,
    trials: async () =>
      (await bucket.list('trials/', true)).map((name) => name.slice('trials/'.length).replace(/\/$/, '')),
    trial: (name, lease = NOBODY) => objectTrial(bucket, `trials/${name}`, lease, times),
  };
}

const leaseSchema = ownerSchema.extend({
  number: z.int().positive(),
  released: z.boolean(),
  kills: z.int().nonnegative(),
  /** Grows while its owner lives. */
  sign: z.int().nonnegative(),
});
type LeaseObject = z.infer<typeof leaseSchema>;

/** When this process first saw a lease as it is, by its own clock. */
const seen = new Map<string, { readonly etag: string; readonly atMs: number }>();

function objectTrial(bucket: Bucket, place: string, key: LeaseKey, times: LeaseTimes): TrialStore {
  const at = (name: string) => `${place}/${name}`;
  const words = (name: string) => `${bucket.address}/${at(name)}`;
  const leaseName = at('lease.json');

  async function document<T>(name: string, format: Format, schema: z.ZodType<T>): Promise<T | null> {
    const found = await bucket.get(at(name));
    return found && unseal(format, schema, textOf(found), words(name));
  }

  async function lease(): Promise<{
    readonly object: StoredObject;
    readonly file: LeaseObject | null;
  } | null> {
    const object = await bucket.get(leaseName);
    if (!object) return null;
    try {
      return { object, file: unseal('lease', leaseSchema, textOf(object), words('lease.json')) };
    } catch (error) {
      if (error instanceof Doubtful) return { object, file: null };
      throw error;
    }
  }

  /** Null where it may be taken over. */
  function holderOf({ object, file }: { object: StoredObject; file: LeaseObject | null }): string | null {
    if (!file || file.released) return null;
    const who = `process ${file.pid} on ${file.hostname}`;
    const alive = isAlive(file);
    if (alive !== null) return alive ? who : null;
    const known = seen.get(words('lease.json'));
    if (known?.etag === object.etag) return Date.now() - known.atMs > times.deadAfterMs ? null : who;
    seen.set(words('lease.json'), { etag: object.etag, atMs: Date.now() });
    return who;
  }

  async function allowed(): Promise<void> {
    const file = (await lease())?.file;
    if (key.number === NOBODY.number) {
      if (!file) return;
    } else if (file?.owner === key.owner && file.number === key.number && !file.released) return;
    throw new LeaseLost(`the lease in ${words('')} was taken over by another command, or removed`);
  }

  async function put(name: string, content: string | Uint8Array): Promise<void> {
    await allowed();
    await bucket.put(at(name), content);
  }

  async function removeAll(start: string): Promise<void> {
    for (const name of await bucket.list(at(start))) await bucket.remove(name);
  }

  /** Of the largest number. */
  async function latest(start: string): Promise<string | null> {
    return (await bucket.list(at(start))).at(-1) ?? null;
  }

  const log = objectLog(bucket, at('metrics-'), key.number, allowed);
  const result = () => document('result.json', 'result', resultSchema);
  const modelFile = async ({ path, bytes, sha256 }: SavedFile): Promise<Uint8Array> => {
    const found = await bucket.get(at(`models/${path}`));
    if (!found) throw new Doubtful(`${words(`models/${path}`)} is missing`);
    if (found.bytes.length !== bytes || checksum(found.bytes) !== sha256) {
      throw new Doubtful(`${words(`models/${path}`)} is not what was written there`);
    }
    return found.bytes;
  };

  return {
    async claim() {
      const before = await lease();
      const holder = before && holderOf(before);
      if (holder !== null) return holder;
      const number = (before?.file?.number ?? 0) + 1;
      const kills = before?.file ? before.file.kills + (before.file.released ? 0 : 1) : 0;
      let file: LeaseObject = { ...newOwner(), number, kills, released: false, sign: 0 };
      let etag = await bucket.put(
        leaseName,
        seal('lease', file),
        before ? { etag: before.object.etag } : { absent: true },
      );
      if (etag === null) return 'another command';
      const { owner } = file;
      const replace = async (next: LeaseObject) => {
        if (etag === null) return;
        file = next;
        etag = await bucket.put(leaseName, seal('lease', next), { etag });
      };
      // One after another: each is written as the one before left it.
      let writing = Promise.resolve();
      const write = (next: () => LeaseObject) =>
        (writing = writing.then(() => replace(next())).catch(() => {}));
      const signs = setInterval(() => void write(() => ({ ...file, sign: file.sign + 1 })), times.signMs);
      signs.unref();
      return {
        ...{ owner, number, kills },
        async release(forgiven = false) {
          clearInterval(signs);
          await write(() => ({ ...file, released: true, kills: forgiven ? 0 : kills }));
        },
      } satisfies Lease;
    },
    async holder() {
      const there = await lease();
      return there && holderOf(there);
    },
    trial: () => document('config.json', 'trial', trialSchema),
    async begin(trial) {
      await allowed();
      // What cannot be believed makes room for what will be.
      const believed = await result().then(
        (lying) => lying === null || lying.id === trialId(trial),
        ifDoubtful(false),
      );
      if (!believed) await bucket.remove(at('result.json'));
      await put('config.json', seal('trial', trial));
      await bucket.remove(at('failure.json'));
    },
    result,
    async publish(ended) {
      await allowed();
      await log.flush();
      const first = await bucket.put(at('result.json'), seal('result', ended), { absent: true });
      const published = first !== null ? ended : ((await result()) ?? ended);
      await this.tidy();
      return published;
    },
    async tidy() {
      const there = await lease();
      if (key.number === NOBODY.number && there && holderOf(there) !== null) return;
      // The lease stays: its number is to grow.
      await removeAll('checkpoint-').catch(() => {});
      await bucket.remove(at('failure.json')).catch(() => {});
    },
    async checkpoint() {
      const name = await latest('checkpoint-');
      const found = name === null ? null : await bucket.get(name);
      return found && unpack(Buffer.from(found.bytes), `${bucket.address}/${name}`);
    },
    async saveCheckpoint(standing) {
      const mine = `checkpoint-${padded(key.number)}.bin`;
      await put(mine, pack(standing));
      const others = (await bucket.list(at('checkpoint-'))).filter((name) => name < at(mine));
      for (const name of others) await bucket.remove(name);
    },
    async failure() {
      return document('failure.json', 'failure', failureSchema);
    },
    saveFailure: (failed) => put('failure.json', seal('failure', failed)),
    async saveModels({ files, ...models }) {
      await allowed();
      await bucket.remove(at('models.json'));
      const saved: SavedFile[] = [];
      for (const [path, bytes] of Object.entries(files)) {
        await put(`models/${path}`, bytes);
        saved.push({ path, bytes: bytes.length, sha256: checksum(bytes) });
      }
      await put('models.json', seal('models', { ...models, files: saved }));
    },
    async models() {
      const models = await document('models.json', 'models', modelsSchema);
      for (const file of models?.files ?? []) await modelFile(file);
      return models;
    },
    modelFile,
    masks: () => document<MaskRecord>('choices.json', 'choices', maskSchema),
    saveMasks: (masks) => put('choices.json', seal('choices', masks)),
    metrics: log,
  };
}

/**
 * The log of steps in pieces, since objects do not grow: what was logged is kept until it is to be marked, and written as
 * one piece more. Pieces are `<number of the owner>-<piece>`; of several owners the last counts.
 */
function objectLog(
  bucket: Bucket,
  start: string,
  number: number,
  allowed: () => Promise<void>,
): StepLog & { flush(): Promise<void> } {
  let [length, pieces] = [0, 0];
  let hash = createHash('sha256');
  let pending = '';

  async function piecesOf(): Promise<string[]> {
    const names = await bucket.list(start);
    const owner = (name: string) => name.slice(start.length).split('-')[0];
    const last = names.at(-1);
    return last === undefined ? [] : names.filter((name) => owner(name) === owner(last));
  }

  async function content(): Promise<Buffer> {
    const objects = await Promise.all((await piecesOf()).map((name) => bucket.get(name)));
    return Buffer.concat(objects.flatMap((object) => (object ? [object.bytes] : [])));
  }

  async function write(text: string): Promise<void> {
    await allowed();
    await bucket.put(`${start}${padded(number)}-${padded(pieces)}.jsonl`, text);
    pieces += 1;
    hash.update(text);
    length += Buffer.byteLength(text);
  }

  async function startWith(text: string): Promise<void> {
    const before = await bucket.list(start);
    [length, pieces, pending, hash] = [0, 0, '', createHash('sha256')];
    await write(text);
    const first = `${start}${padded(number)}-${padded(0)}.jsonl`;
    for (const name of before) if (name !== first) await bucket.remove(name);
  }

  async function flush(): Promise<void> {
    const text = pending;
    pending = '';
    if (text !== '') await write(text);
  }

  return {
    start: () => startWith(''),
    async append(steps) {
      if (pieces === 0) await startWith('');
      pending += steps.map((step) => `${JSON.stringify(step)}\n`).join('');
    },
    async mark() {
      if (pieces === 0) await startWith('');
      await flush();
      return { length, sha256: hash.copy().digest('hex') };
    },
    async rewind(mark) {
      const before = (await content()).subarray(0, mark.length);
      if (before.length < mark.length || checksum(before) !== mark.sha256) return false;
      await startWith(before.toString());
      return true;
    },
    async read() {
      const lines = `${(await content()).toString()}${pending}`.split('\n').slice(0, -1).filter(Boolean);
      return lines.map((line) => JSON.parse(line) as StepMetrics);
    },
    flush,
  };
}

/** So that the order of names is that of numbers. */
function padded(number: number): string {
  return String(number).padStart(9, '0');
}

function textOf({ bytes }: StoredObject): string {
  return Buffer.from(bytes).toString();
}

function checksum(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function ifDoubtful<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Doubtful) return value;
    throw error;
  };
}
