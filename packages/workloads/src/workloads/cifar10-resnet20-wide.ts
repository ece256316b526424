/** CIFAR-10 with a ResNet-20 four times as wide: room for larger blocks. */
import { cifar10Resnet } from '../cifar10-resnet.js';

export default cifar10Resnet({
  name: 'cifar10-resnet20-wide',
  description: 'CIFAR-10, ResNet-20 four times as wide',
  width: 4,
  blockShapes: [
    [8, 8],
    [16, 16],
  ],
});
