/** The models that pruning workloads are made of, each from a seed. They end in logits, without a softmax. */
export { embeddingPerceptron, type EmbeddingPerceptronSettings } from './embedding-perceptron.js';
export { multilayerPerceptron, type MultilayerPerceptronSettings } from './multilayer-perceptron.js';
export { resnet, resnet18, resnet18Small, resnet20, resnet50, type ResnetSettings } from './resnet.js';
