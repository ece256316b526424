import { describe, expect, it } from 'vitest';

import { isQueueUrl, parseQueueUrl, withoutSecrets } from './url.js';

describe("a queue's URL", () => {
  it.each([
    ['redis://host:6379/2', 'redis', 'redis://host:6379/2'],
    ['rediss://user:Secret@host', 'redis', 'rediss://host'],
    ['valkey://host', 'redis', 'valkey://host'],
    ['postgres://me:Secret@host/db?sslmode=require', 'postgres', 'postgres://host/db'],
  ])('%s is of %s, and is said as %s', (text, kind, place) => {
    expect(parseQueueUrl(text)).toMatchObject({ kind, place });
    expect(isQueueUrl(text)).toBe(true);
  });

  it('has the protocol that drivers know, and the password of the environment where it has none', () => {
    expect(parseQueueUrl('valkeys://host', 'a/b').address).toBe('rediss://:a%2Fb@host');
    expect(parseQueueUrl('redis://:own@host', 'other').address).toBe('redis://:own@host');
    expect(parseQueueUrl('postgres://me@host/db', 'a').address).toBe('postgres://me:a@host/db');
  });

  it.each(['nothing', 'amqp://u:Secret@host', 'redis://', 'redis:///0'])(
    '%s is refused, and not repeated',
    (text) => {
      expect(() => parseQueueUrl(text)).toThrow(/^--queue (?!.*Secret)/);
    },
  );
});

it('no text keeps what is secret in its URLs', () => {
  expect(withoutSecrets('--queue redis://u:p@ss@host:1/0?password=p x')).toBe('--queue redis://host:1/0 x');
  expect(withoutSecrets('--out s3://bucket/a/b')).toBe('--out s3://bucket/a/b');
  expect(withoutSecrets('./runs/a@b')).toBe('./runs/a@b');
});
