/** CIFAR-10 and CIFAR-100: for Node. */
export { loadCifar10, loadCifar100, type Cifar, type CifarOptions } from './cifar.js';
export { cifar10Statistics, cifar100Statistics } from './forms.js';
export { cifarDownloads } from './downloads.js';
