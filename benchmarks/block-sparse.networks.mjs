// The networks of the suites `models` and `training`, by their names: perceptrons by the widths of their layers, and a ResNet-20
// four times as wide.

/** A perceptron keeps its last layer dense, the ResNet its first and last. */
const NETWORKS = [
  { network: '784-512-512-10', block: 16, trainingBatch: 128, predictionBatches: [1, 128] },
  { network: '2048-2048-2048-10', block: 32, trainingBatch: 128, predictionBatches: [1, 128] },
  { network: 'wide-resnet-20', block: 16, trainingBatch: 32, predictionBatches: [32] },
  { network: 'wide-resnet-20', block: 32, trainingBatch: 32, predictionBatches: [32] },
];

export const networkNames = [...new Set(NETWORKS.map(({ network }) => network))];

/** Those of these names, or all. */
export function networksOf(names) {
  return NETWORKS.filter(({ network }) => !names || names.includes(network));
}

/** The model of a name, the shape of one example, and how many classes there are. */
export async function networkOf(name) {
  const { multilayerPerceptron, resnet, resnet20 } = await import('@espalier/models');
  if (name === 'wide-resnet-20') {
    const stages = resnet20.stages.map(({ filters, blocks }) => ({ filters: 4 * filters, blocks }));
    const model = resnet({ ...resnet20, stages, seed: 0 });
    return { model, exampleShape: [...resnet20.inputShape], classes: resnet20.classes };
  }
  const [inputs, ...units] = name.split('-').map(Number);
  const model = multilayerPerceptron({ inputs, hidden: units.slice(0, -1), outputs: units.at(-1), seed: 0 });
  return { model, exampleShape: [inputs], classes: units.at(-1) };
}
