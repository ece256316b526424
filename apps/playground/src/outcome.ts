/** What came out: the table, the speed on this device, models and the report to be downloaded. */
import { formatBytes, reports } from '@espalier/experiment';
import { htmlReport, tableHtml } from '@espalier/report';
import { zipSync } from 'fflate';

import { download, element, find, tableOf } from './elements.js';
import type { CompressedModel, Message } from './messages.js';

export function showOutcome(
  { summary, records, models }: Extract<Message, { kind: 'done' }>,
  device: string,
): void {
  find('table-of-results').innerHTML = tableHtml(summary);
  const size = records[0]?.trial.training?.batchSize;
  find('device').textContent =
    `${device}. A prediction is of ${size ?? 'a batch of'} test examples; its time is the median of 25, dense and compressed in turns.`;
  const head = [
    'strategy',
    'dense, ms',
    'compressed, ms',
    'faster',
    'dense, file',
    'compressed, file',
    'model',
  ];
  const speeds = element('div', { className: 'scroll', tabIndex: 0 }, tableOf(head, models.map(speedOf)));
  speeds.setAttribute('role', 'region');
  speeds.setAttribute('aria-label', 'Speed and size on this device');
  find('speeds').replaceChildren(models.length > 0 ? speeds : 'No pruned model was trained to its end.');
  find<HTMLButtonElement>('report').onclick = async () =>
    download('espalier-report.html', await htmlReport({ summary, trials: records }), 'text/html');
  find<HTMLButtonElement>('summary').onclick = () =>
    download('summary.json', reports.json(summary), 'application/json');
  find('outcome').hidden = false;
}

function speedOf(model: CompressedModel): (string | Node)[] {
  const { strategy, predictMs, densePredictMs, bytes, denseBytes } = model;
  return [
    strategy,
    densePredictMs.toFixed(3),
    predictMs.toFixed(3),
    `${(densePredictMs / predictMs).toFixed(2)} ×`,
    formatBytes(denseBytes),
    formatBytes(bytes),
    downloadButton(model),
  ];
}

function downloadButton({ strategy, modelJson, weights }: CompressedModel): HTMLButtonElement {
  const button = element('button', { type: 'button' }, 'Download');
  const what = `the compressed model of ${strategy}: model.json and weights.bin, zipped`;
  button.title = `Download ${what}`;
  button.setAttribute('aria-label', button.title);
  button.onclick = () => {
    const zipped = zipSync({ [strategy]: { 'model.json': modelJson, 'weights.bin': weights } });
    download(`${strategy}.zip`, new Uint8Array(zipped), 'application/zip');
  };
  return button;
}
