/** CIFAR-10 and CIFAR-100: what sets them apart. */
import type { CifarForm } from './form.js';

export const cifar10: CifarForm = {
  name: 'cifar10',
  title: 'CIFAR-10',
  classes: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
  release: {
    train: [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`),
    test: ['test_batch.bin'],
    labelBytes: 1,
  },
  releaseFolder: 'cifar-10-batches-bin',
  releaseArchive: 'cifar-10-binary.tar.gz',
  statistics: { mean: [0.4914, 0.4822, 0.4465], deviation: [0.247, 0.2435, 0.2616] },
};

const fineClasses = `
  apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
  caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
  forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
  mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
  possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
  sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale
  willow_tree wolf woman worm`;

export const cifar100: CifarForm = {
  name: 'cifar100',
  title: 'CIFAR-100',
  classes: fineClasses.trim().split(/\s+/),
  // The coarse label, then the fine one.
  release: { train: ['train.bin'], test: ['test.bin'], labelBytes: 2 },
  releaseFolder: 'cifar-100-binary',
  releaseArchive: 'cifar-100-binary.tar.gz',
  statistics: { mean: [0.5071, 0.4865, 0.4409], deviation: [0.2673, 0.2564, 0.2762] },
};

/** Of CIFAR-10's training images, on the scale from 0 to 1: what pixels are normalised by. */
export const cifar10Statistics = cifar10.statistics;

/** Of CIFAR-100's training images, on the scale from 0 to 1: what pixels are normalised by. */
export const cifar100Statistics = cifar100.statistics;
