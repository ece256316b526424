import { describe, expect, it } from 'vitest';

import { fold } from './fold.js';

describe('fold', () => {
  it('breaks at spaces and after hyphens, and keeps longer pieces whole', () => {
    expect(fold('sequential-attention-plus-plus', 14)).toEqual(['sequential-', 'attention-', 'plus-plus']);
    expect(fold('block-sparse, ms', 8)).toEqual(['block-', 'sparse,', 'ms']);
    expect(fold('powerpropagation', 4)).toEqual(['powerpropagation']);
    expect(fold('a bc def', 4)).toEqual(['a bc', 'def']);
    expect(fold('a  b', Infinity)).toEqual(['a  b']);
    expect(fold('', 4)).toEqual([]);
  });
});
