import { describe, expect, it } from 'vitest';

import { normalisation } from './normalisation.js';

describe('normalisation', () => {
  it("subtracts each channel's mean and divides by its deviation, on the scale from 0 to 1", () => {
    const { write, black } = normalisation({ mean: [0.5, 0.2], deviation: [0.5, 0.1] });
    const target = new Float32Array(4);
    write(Uint8Array.of(0, 0, 255, 51), target);
    // (0 − 0.5) / 0.5, (0 − 0.2) / 0.1, (1 − 0.5) / 0.5, (0.2 − 0.2) / 0.1
    expect([...target]).toEqual([-1, -2, 1, 0]);
    expect(black).toEqual([-1, -2]);
  });

  it('refuses statistics that are none', () => {
    expect(() => normalisation({ mean: [], deviation: [] })).toThrow('normalisation(): mean');
    expect(() => normalisation({ mean: [0, 0], deviation: [1] })).toThrow('for each of the 2 channels');
    expect(() => normalisation({ mean: [0], deviation: [0] })).toThrow('normalisation(): deviation');
  });
});
