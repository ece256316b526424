import { expect, it } from 'vitest';

import { delimiterOf } from './delimiter.js';

it.each<[string, string, string]>([
  ['commas', 'a,b,class\n1,2,x\n', ','],
  ['semicolons', 'a;b;class\n1;2;x\n', ';'],
  ['tabs', 'a\tb\tclass\n1\t2\tx\n', '\t'],
  ['a comma within quotes', '"height, cm";class\n1;x\n', ';'],
  ['commas within quotes, more than delimiters', '"a, b, c, d";class\n1;x\n', ';'],
  ['a line within quotes', '"height,\nin cm";class\n1;x\n', ';'],
  ['decimal commas below', 'a;class\n1,5;x\n', ';'],
  ['one column', 'class\nx\n', ','],
  ['nothing', '', ','],
])('is found with %s', (_, text, delimiter) => {
  expect(delimiterOf(text)).toBe(delimiter);
});
