import { describe, expect, it } from 'vitest';

import { multilayerPerceptron, resnet, resnet20 } from './index.js';

const mlp = { inputs: 4, hidden: [3], outputs: 2, seed: 0 };
const small = { ...resnet20, inputShape: [8, 8, 3], stages: [{ filters: 2, blocks: 1 }], seed: 0 };
const make = {
  multilayerPerceptron: (changed: object) => multilayerPerceptron({ ...mlp, ...changed }),
  resnet: (changed: object) => resnet({ ...small, ...changed } as never),
};

describe('a model is refused by the setting that is wrong', () => {
  it.each<[keyof typeof make, object, string]>([
    [
      'multilayerPerceptron',
      { inputs: '4' },
      "multilayerPerceptron(): inputs = '4' (a string), and is to be a whole number of at least 1",
    ],
    [
      'multilayerPerceptron',
      { hidden: 3 },
      "multilayerPerceptron(): hidden = 3, and is to be a list of the hidden layers' units",
    ],
    [
      'multilayerPerceptron',
      { hidden: [3, 0] },
      'multilayerPerceptron(): hidden[1] = 0, and is to be a whole number of at least 1',
    ],
    ['multilayerPerceptron', { outputs: undefined }, 'multilayerPerceptron(): outputs = undefined'],
    [
      'multilayerPerceptron',
      { seed: -1 },
      'multilayerPerceptron(): seed = -1, and is to be a whole number from 0 to 4294967295',
    ],
    ['multilayerPerceptron', { seed: NaN }, 'multilayerPerceptron(): seed = NaN'],
    [
      'multilayerPerceptron',
      { useBias: 'no' },
      "multilayerPerceptron(): useBias = 'no' (a string), and is to be true or false",
    ],
    [
      'multilayerPerceptron',
      { usebias: false },
      "multilayerPerceptron() has no option 'usebias': did you mean useBias?",
    ],
    [
      'resnet',
      { inputShape: [32, 32] },
      'resnet(): inputShape = [32, 32] (an array), and is to be height, width and channels',
    ],
    [
      'resnet',
      { inputShape: [32, 32, '3'] },
      "resnet(): inputShape[2] = '3' (a string), and is to be a whole number",
    ],
    ['resnet', { classes: 2.5 }, 'resnet(): classes = 2.5, and is to be a whole number of at least 1'],
    ['resnet', { stem: 'tiny' }, "resnet(): stem = 'tiny' (a string), and is to be 'small' or 'large'"],
    [
      'resnet',
      { shortcuts: undefined },
      "resnet(): shortcuts = undefined, and is to be 'padded' or 'projected'",
    ],
    [
      'resnet',
      { block: 'wide' },
      "resnet(): block = 'wide' (a string), and is to be 'basic' or 'bottleneck'",
    ],
    ['resnet', { lastScale: 0.5 }, 'resnet(): lastScale = 0.5, and is to be a whole number from 0 to 1'],
    ['resnet', { stages: [] }, 'resnet(): stages = [] (an array), and is to be a list of stages'],
    ['resnet', { stages: [16] }, 'resnet(): stages[0] = 16, and is to be a stage, { filters, blocks }'],
    [
      'resnet',
      { stages: [{ filters: 16, block: 1 }] },
      "resnet(): stages[0] has no option 'block': did you mean blocks?",
    ],
    ['resnet', { stages: [{ filters: 0, blocks: 1 }] }, 'resnet(): stages[0]: filters = 0, and is to be'],
    [
      'resnet',
      {
        stages: [
          { filters: 4, blocks: 1 },
          { filters: 2, blocks: 1 },
        ],
      },
      'resnet(): stages[1] has 2 filters, fewer than the 4 before, which padded shortcuts cannot take away',
    ],
    ['resnet', { class: 10 }, "resnet() has no option 'class': did you mean classes?"],
  ])('%s %j', (name, changed, message) => {
    expect(() => make[name](changed)).toThrow(message);
    expect(() => make[name](changed)).toThrow(/^[^\n]+$/);
  });

  it('that is no object', () => {
    expect(() => multilayerPerceptron(undefined as never)).toThrow(
      'multilayerPerceptron() takes an object of options (inputs, hidden, outputs, seed, useBias), it is given undefined',
    );
    expect(() => resnet(20 as never)).toThrow('it is given 20');
  });

  it('and narrows where its shortcuts can', () => {
    const stages = [
      { filters: 4, blocks: 1 },
      { filters: 2, blocks: 1 },
    ];
    const model = make.resnet({ stages, shortcuts: 'projected' });
    expect(model.outputs[0]!.shape).toEqual([null, 10]);
    model.dispose();
  });
});
