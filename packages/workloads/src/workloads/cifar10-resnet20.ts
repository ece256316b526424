/** CIFAR-10 with ResNet-20. */
import { cifar10Resnet } from '../cifar10-resnet.js';

export default cifar10Resnet({
  name: 'cifar10-resnet20',
  description: 'CIFAR-10, ResNet-20',
  width: 1,
  blockShapes: [
    [4, 4],
    [8, 8],
  ],
});
