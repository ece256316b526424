import { describe, expect, it } from 'vitest';

import type { Data } from './choice.js';
import { workloadOf } from './workload.js';

const table = (text: string, more: Partial<Extract<Data, { kind: 'table' }>> = {}): Data => ({
  ...{ kind: 'table', name: 'mine.csv', text, delimiter: ',', column: 'kind', learned: 'classes', ...more },
});
const rows = Array.from({ length: 40 }, (_, i) => `${i},${i % 7},${i % 2 ? 'odd' : 'even'}`);
const network = { kind: 'perceptron', hidden: [16] } as const;
const loaded = (data: Data) => workloadOf({ data, network }).load({ seed: 0, dataFolder: '' });

describe('a table of one’s own', () => {
  it('is a workload: its column is learned from the others, which are normalised', async () => {
    const text = `a,b,kind\n${rows.join('\n')}\n`;
    const workload = workloadOf({ data: table(text), network });
    const data = await workload.load({ seed: 0, dataFolder: '' });
    expect([data.classes, data.train.count, data.test.count]).toEqual([['even', 'odd'], 32, 8]);
    const model = await workload.model(0, data);
    expect([model.inputs[0]!.shape, model.outputs[0]!.shape]).toEqual([[null, 2], [null, 2]]); // prettier-ignore
    const numbers = await loaded(table(text.replaceAll(/odd|even/g, '1.5'), { learned: 'numbers' }));
    expect(numbers.train.target.type).toBe('float32');
  });

  it.each<[string, string, object, string]>([
    ['no such column', 'a,b\n1,2\n', {}, "mine.csv has no column 'kind': it has a, b"],
    ['text among the numbers', 'a,kind\n1,x\nfour,y\n', {}, "mine.csv: line 3 has 'four' in the column 'a'"],
    ['one class', 'a,kind\n1,x\n2,x\n3,x\n', {}, "mine.csv: 'kind' has one class alone, 'x'"],
    ['a class for each row', 'a,kind\n1,x\n2,y\n3,z\n4,u\n5,v\n', {}, 'has 5 classes in 4 examples'],
    ['one column', 'kind\nx\ny\nx\ny\n', {}, "has the column 'kind' alone"],
    ['rows that end early', 'a,kind\n1\n', {}, 'mine.csv cannot be read'],
    ['nothing', '', {}, 'mine.csv is empty'],
    ['classes to be learned as numbers', 'a,kind\n1,x\n', { learned: 'numbers' }, "'x' in the column 'kind'"],
  ])('with %s is refused in a line', (_, text, more, message) => {
    const refused = () => workloadOf({ data: table(text, more), network });
    expect(refused).toThrow(message);
    expect(refused).toThrow(/^[^\n]*$/);
  });
});

describe('images of one’s own', () => {
  const images = (labels: readonly string[]): Data => ({
    ...{ kind: 'images', side: 8, labels },
    pixels: Uint8Array.from({ length: labels.length * 8 * 8 * 3 }, (_, i) => (i * 7) % 256),
  });
  const labels = Array.from({ length: 20 }, (_, i) => (i % 2 ? 'cat' : 'dog'));

  it('are a workload of either network', async () => {
    for (const [kind, layers] of [
      ['perceptron', 3],
      ['convolutions', 5],
    ] as const) {
      // prettier-ignore
      const own = kind === 'perceptron' ? { kind, hidden: [12] } : { kind };
      const workload = workloadOf({ data: images(labels), network: own });
      const data = await workload.load({ seed: 0, dataFolder: '' });
      expect([data.classes, data.train.inputs[0]!.shape]).toEqual([['cat', 'dog'], [8, 8, 3]]); // prettier-ignore
      const model = await workload.model(0, data);
      expect(model.layers).toHaveLength(layers);
      expect(model.outputs[0]!.shape).toEqual([null, 2]);
    }
  });

  it('of one class are refused in a line', () => {
    const refused = () => workloadOf({ data: images(labels.map(() => 'cat')), network });
    expect(refused).toThrow("The set of images has one class alone, 'cat'");
  });
});
