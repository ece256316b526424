/** The URL of a queue's server: read, and said without what is secret in it. */
import { UsageError } from '../errors.js';

export interface QueueUrl {
  readonly kind: 'redis' | 'postgres';
  /** As a driver takes it, with its password: never to be said. */
  readonly address: string;
  /** The same to be said: without user, password and parameters. */
  readonly place: string;
}

const KINDS: Readonly<Record<string, { readonly kind: QueueUrl['kind']; readonly scheme: string }>> = {
  'redis:': { kind: 'redis', scheme: 'redis:' },
  'rediss:': { kind: 'redis', scheme: 'rediss:' },
  'valkey:': { kind: 'redis', scheme: 'redis:' },
  'valkeys:': { kind: 'redis', scheme: 'rediss:' },
  'postgres:': { kind: 'postgres', scheme: 'postgres:' },
  'postgresql:': { kind: 'postgres', scheme: 'postgres:' },
};

const SHAPE = 'redis://host:6379, rediss://…, valkey://… or postgres://user@host/database';

/** Whether it looks like a queue's URL rather than a folder. */
export function isQueueUrl(text: string): boolean {
  return /^[a-z]+:\/\//i.test(text) && new RegExp(`^(${Object.keys(KINDS).join('|')})`, 'i').test(text);
}

/**
 * @param password of the environment, for a URL without one
 * @throws UsageError, which does not repeat it: a password may be in it
 */
export function parseQueueUrl(text: string, password?: string): QueueUrl {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url) throw new UsageError(`--queue is no URL: give one such as ${SHAPE}`);
  const known = KINDS[url.protocol];
  if (!known) throw new UsageError(`--queue ${url.protocol}//… is no queue that is known: give ${SHAPE}`);
  if (url.hostname === '') throw new UsageError(`--queue ${url.protocol}//… names no host: give ${SHAPE}`);
  const place = `${url.protocol}//${url.host}${url.pathname}`;
  const secret = url.password === '' && password !== undefined ? encodeURIComponent(password) : url.password;
  const credentials = url.username === '' && secret === '' ? '' : `${url.username}${secret && `:${secret}`}@`;
  return {
    kind: known.kind,
    address: `${known.scheme}//${credentials}${url.host}${url.pathname}${url.search}`,
    place,
  };
}

/** A text in which URLs may stand, without their users, passwords and parameters. */
export function withoutSecrets(text: string): string {
  return text.replace(/\b([a-z][a-z0-9+.-]*:\/\/)(?:[^\s'"]*@)?([^\s?'"]*)(?:\?[^\s'"]*)?/gi, '$1$2');
}
