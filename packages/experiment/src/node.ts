/** What of an experiment is for Node alone: a store in a folder, trials in processes, modules by their names. */
import { checked, reports } from './reports/reports.js';
import { terminal } from './reports/terminal.js';

export { exportModel, type ExportedModel, type ExportOptions } from './export-model.js';
export { processes, type ProcessesOptions } from './executors/processes/processes.js';
export { withCode } from './modules/assert-code.js';
export { ownWorks, Refused, type Own, type OwnWork } from './modules/own.js';
export { codeOf } from './modules/code.js';
export { findPackage, isModulePath, loadModule } from './modules/modules.js';
export { assertName, loadPruner, loadSpace, loadWorkload } from './modules/references.js';
export { drawTable, type DrawnTable } from './reports/terminal.js';
export { folderStore, openFolder, type FolderStore } from './store/folder.js';
export { isQueueUrl, withoutSecrets } from './queue/url.js';
export { openStore, storeAddress, storeAt, type AddressedStore } from './store/open.js';
export { tensorBoard, type TensorBoard, type TensorBoardOptions } from './tensorboard/tensorboard.js';
export { putInPlace } from './store/files.js';
export { makeFolder } from './store/make-folder.js';

/** Every report by its format's name; `table` is for a terminal. */
export const nodeReports = { table: checked('table', terminal), ...reports } as const;
