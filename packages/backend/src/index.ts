/**
 * Choosing and starting a tfjs backend in Node.
 *
 * `auto` takes the first of a fixed order that is present. A backend that was asked for by name and is not present is an error
 * that says what is missing: nothing falls back in silence.
 */
export {
  BackendError,
  backendNames,
  isBackendChoice,
  type BackendChoice,
  type BackendDescription,
  type BackendName,
  type NamedChoice,
  type StartedBackend,
} from './choice.js';
export { inspectBackends, probeBackend, type BackendInspection } from './inspect.js';
export { backendOrder, inOrder, placesBefore, type Place } from './order.js';
export { softwareAdapter } from './software-adapter.js';
export { startBackend, type StartOptions } from './start.js';
export { type Addon, type AddonDescription, type Source } from './tensorflow/cache.js';
export { type DownloadKind } from './tensorflow/download.js';
export { sourceText } from './tensorflow/facts.js';
export {
  installTensorflow,
  removeTensorflow,
  tensorflowStatus,
  type InstalledTensorflow,
  type InstallOptions,
  type TensorflowStatus,
} from './tensorflow/install.js';
export { describeLibrary, type Library } from './tensorflow/library.js';
