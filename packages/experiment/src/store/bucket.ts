/**
 * Objects of a bucket under a prefix, by S3's protocol: whole or not at all, and written on conditions. Credentials,
 * region and endpoint are found as by every program of AWS: environment (`AWS_ENDPOINT_URL`), profile, role.
 */
import type * as s3 from '@aws-sdk/client-s3';

import { UsageError } from '../errors.js';
import { Doubtful, StoreError } from './trouble.js';

export interface StoredObject {
  readonly bytes: Uint8Array;
  /** Of this very content. */
  readonly etag: string;
}

/** What must hold when it is written: there is none, or it is as it was. */
type Condition = { readonly absent: true } | { readonly etag: string };

export interface Bucket {
  /** `s3://bucket/prefix` */
  readonly address: string;
  /** Null where there is none. @throws Doubtful, or StoreError where the server cannot be used */
  get(name: string): Promise<StoredObject | null>;
  /** @returns its etag; null where the condition does not hold. @throws StoreError */
  put(name: string, content: string | Uint8Array, condition?: Condition): Promise<string | null>;
  remove(name: string): Promise<void>;
  /** Names that begin so, in order; of those with a further slash, as far as that, where `folders`. */
  list(start: string, folders?: boolean): Promise<string[]>;
}

const ADDRESS = /^s3:\/\/(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(?<prefix>[^?#]*))?$/;

/** Whether a store's address is that of a bucket. */
export function isBucketAddress(address: string): boolean {
  return address.startsWith('s3://');
}

const clients = new Map<string, Promise<Bucket>>();

/** One client a process. @throws UsageError for an address that is none, and without the client's package */
export function bucketAt(address: string): Promise<Bucket> {
  const known = clients.get(address) ?? makeBucket(address);
  clients.set(address, known);
  return known;
}

async function makeBucket(address: string): Promise<Bucket> {
  const { bucket, prefix = '' } = ADDRESS.exec(address)?.groups ?? {};
  if (bucket === undefined) {
    throw new UsageError(
      `${address.split('?')[0]} is no store: give s3://<bucket>/<prefix>, and credentials by the environment`,
    );
  }
  const aws = await import('@aws-sdk/client-s3').catch(() => {
    throw new UsageError(
      'A store in a bucket needs the package @aws-sdk/client-s3: npm install @aws-sdk/client-s3',
    );
  });
  const client = new aws.S3Client({
    region: process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    // Servers that are not Amazon's have buckets in the path, and may not know the newer checksums.
    forcePathStyle: process.env['AWS_ENDPOINT_URL'] !== undefined,
    ...{ requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' },
    maxAttempts: 5,
  });
  const root = prefix.replace(/\/+$/, '');
  const key = (name: string) => (root === '' ? name : `${root}/${name}`);
  const at = (name: string) => `s3://${bucket}/${key(name)}`;
  return {
    address: `s3://${bucket}${root === '' ? '' : `/${root}`}`,
    async get(name) {
      try {
        const { Body, ETag } = await client.send(
          new aws.GetObjectCommand({ Bucket: bucket, Key: key(name) }),
        );
        const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
        return { bytes, etag: ETag ?? '' };
      } catch (error) {
        if (statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket') return null;
        throw inWords(error, at(name), 'read');
      }
    },
    async put(name, content, condition) {
      const conditions =
        condition === undefined
          ? {}
          : 'absent' in condition
            ? { IfNoneMatch: '*' }
            : { IfMatch: condition.etag };
      for (;;) {
        try {
          const Body = Buffer.from(content as Uint8Array);
          const of = { Bucket: bucket, Key: key(name), Body, ContentLength: Body.length };
          const { ETag } = await client.send(new aws.PutObjectCommand({ ...of, ...conditions }));
          return ETag ?? '';
        } catch (error) {
          const status = statusOf(error);
          if (condition && (status === 412 || (status === 404 && nameOf(error) !== 'NoSuchBucket')))
            return null;
          // Two that write it at once: asked again, one of them holds.
          if (condition && status === 409) continue;
          throw inWords(error, at(name), 'written');
        }
      }
    },
    async remove(name) {
      try {
        await client.send(new aws.DeleteObjectCommand({ Bucket: bucket, Key: key(name) }));
      } catch (error) {
        throw inWords(error, at(name), 'removed');
      }
    },
    async list(start, folders = false) {
      const names: string[] = [];
      let token: string | undefined;
      try {
        do {
          const page: s3.ListObjectsV2CommandOutput = await client.send(
            new aws.ListObjectsV2Command({
              ...{ Bucket: bucket, Prefix: key(start) },
              ...(folders && { Delimiter: '/' }),
              ...(token !== undefined && { ContinuationToken: token }),
            }),
          );
          const found = [
            ...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []),
            ...(page.CommonPrefixes ?? []).flatMap(({ Prefix }) => Prefix ?? []),
          ];
          names.push(...found.map((name) => (root === '' ? name : name.slice(root.length + 1))));
          token = page.NextContinuationToken;
        } while (token !== undefined);
      } catch (error) {
        throw inWords(error, at(start), 'listed');
      }
      return names.sort();
    },
  };
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

const nameOf = (error: unknown) => (error as Error).name;

/** Errors of the client may have what was asked in them: what is said is their name and first line. */
function inWords(error: unknown, place: string, what: string): Error {
  const { name, message } = error as Error;
  const line = message.split('\n')[0];
  if (what === 'read' && statusOf(error) === 200) return new Doubtful(`${place} cannot be read (${line})`);
  const remedy =
    name === 'NoSuchBucket'
      ? 'make the bucket, or give another'
      : /Credential/.test(name)
        ? 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile'
        : 'see that the server is there and that you may, and run again; nothing that is finished is lost';
  return new StoreError(`${place} cannot be ${what} (${name}: ${line}): ${remedy}`);
}
