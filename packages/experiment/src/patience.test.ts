import { describe, expect, it } from 'vitest';

import { isUsageError } from './errors.js';
import { unlessAborted, within } from './patience.js';

const never = () => new Promise<never>(() => {});
const patience = { ms: 20, what: 'Loading /a/module.ts', remedy: 'see what it awaits' };

describe('within', () => {
  it('gives what comes in time, or the error of what it waits for', async () => {
    expect(await within(Promise.resolve(3), patience)).toBe(3);
    await expect(within(Promise.reject(new Error('its own')), patience)).rejects.toThrow('its own');
  });

  it('gives up what does not come, in a line that names it', async () => {
    const waiting = within(never(), patience);
    await expect(waiting).rejects.toThrow(
      'Loading /a/module.ts has not ended after 0.02 s: see what it awaits',
    );
    await expect(waiting).rejects.toSatisfy(isUsageError);
  });

  it('gives up as soon as Node has nothing left to do', async () => {
    const waiting = within(never(), { ...patience, ms: 60_000 });
    process.emit('beforeExit', 0);
    await expect(waiting).rejects.toThrow('waits for a promise that never settles');
  });
});

describe('unlessAborted', () => {
  it('ends with the reason, and with what comes in the time of grace', async () => {
    const stop = new AbortController();
    const hung = unlessAborted(never(), stop.signal, 20);
    let come!: (value: string) => void;
    const late = unlessAborted(new Promise<string>((resolve) => (come = resolve)), stop.signal, 20);
    stop.abort(new Error('stopped'));
    come('late');
    expect(await late).toBe('late');
    await expect(hung).rejects.toThrow('stopped');
    await expect(unlessAborted(never(), stop.signal)).rejects.toThrow('stopped');
  });
});
