import { afterEach, describe, expect, it, vi } from 'vitest';

import { dataFolder } from './data-folder.js';

afterEach(() => vi.unstubAllEnvs());

describe('dataFolder', () => {
  it("is the one asked for, else $ESPALIER_DATA, else in the user's cache, also when the variable is empty", () => {
    vi.stubEnv('ESPALIER_DATA', '/shared');
    expect(dataFolder('asked')).toBe('asked');
    expect(dataFolder()).toBe('/shared');
    vi.stubEnv('ESPALIER_DATA', '');
    expect(dataFolder()).toMatch(/espalier.*data$/);
  });
});
