import { describe, expect, it } from 'vitest';

import { crc32c } from './crc32c.js';
import { decodeEvent, encodeEvent, versionEvent } from './events.js';
import { record, wholeRecords } from './records.js';

const bytesOf = (text: string) => new TextEncoder().encode(text);

/**
 * What TensorBoard's own RecordWriter (2.21, Python) writes: the version at 1700000000.5; at 1700000001.25 step 3 with
 * train/loss 0.5 and train/phase 2.
 */
const GOLDEN =
  '1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b35311034000000000000005e33175c0900005040fc54d94110032a270a110a0a747261696e2f6c6f7373150000003f0a120a0b747261696e2f70686173651500000040e76f0127';

describe('CRC-32C', () => {
  // RFC 3720, B.4, read as numbers; the last one is its usual check.
  it.each([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['32 rising', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['32 falling', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ['digits', bytesOf('123456789'), 0xe3069283],
  ])('of %s is the published one', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });
});

describe('records of events', () => {
  const event = { wallTime: 1700000001.25, step: 3, scalars: { 'train/loss': 0.5, 'train/phase': 2 } };
  const written = Buffer.concat([record(versionEvent(1700000000.5)), record(encodeEvent(event))]);

  it('are those that TensorBoard itself writes', () => {
    expect(written.toString('hex')).toBe(GOLDEN);
  });

  it('are read back', () => {
    const { records, length } = wholeRecords(written);
    expect(length).toBe(written.length);
    expect(records.map(decodeEvent)).toEqual([{ wallTime: 1700000000.5, step: 0, scalars: {} }, event]);
  });

  it('end before the first that is cut off, or damaged', () => {
    const first = record(versionEvent(1700000000.5)).length;
    for (let cut = 0; cut < written.length; cut++) {
      expect(wholeRecords(written.subarray(0, cut)).length).toBe(cut < first ? 0 : first);
      const damaged = Uint8Array.from(written, (byte, i) => (i === cut ? byte ^ 1 : byte));
      expect(wholeRecords(damaged).length).toBe(cut < first ? 0 : first);
    }
  });
});
