/** A trial as the page shows it while it trains: how far it is, its plots, and the same in numbers. */
import type { KernelView, StepMetrics } from '@espalier/experiment';
import type { RunningPlot } from '@espalier/report';

import { element, tableOf } from './elements.js';
import type { Message } from './messages.js';

export interface TrialCard {
  readonly element: HTMLElement;
  /** Steps that are done. */
  readonly steps: readonly StepMetrics[];
  read(reading: Extract<Message, { kind: 'reading' }>): void;
  /** @param how it ended, in words */
  end(how: string): void;
  /** Draws what came since the last time. @param dense steps of the dense baseline */
  draw(dense: readonly StepMetrics[]): Promise<void>;
}

/** @param index of the strategy, from 0; null for the dense baseline */
export function trialCard(name: string, index: number | null): TrialCard {
  const bar = element('progress', { max: 1, value: 0 });
  bar.setAttribute('aria-label', `Progress of ${name}`);
  const line = element('p', { className: 'line' }, 'waits');
  const plots = element('div');
  const card = element('section', { className: 'trial' }, element('h3', {}, name), bar, line, plots);
  card.setAttribute('aria-label', name);
  const steps: StepMetrics[] = [];
  const shown = new Map<string, (plot: RunningPlot) => void>();
  let kernels: readonly KernelView[] = [];
  let total = 1;
  let isDrawn = true;
  return {
    element: card,
    steps,
    read(reading) {
      steps.push(...reading.steps);
      total = reading.totalSteps;
      if (reading.kernels) kernels = reading.kernels;
      isDrawn = false;
      const last = steps.at(-1);
      if (!last) return;
      bar.value = (last.step + 1) / total;
      const phase = last.phase === 'dense' ? '' : `, ${last.phase}`;
      line.textContent = `step ${last.step + 1} of ${total}${phase}, loss ${last.loss.toFixed(4)}`;
    },
    end(how) {
      line.textContent = how;
    },
    async draw(dense) {
      if (isDrawn) return;
      isDrawn = true;
      // Loaded when there is something to draw.
      const { figureHtml, runningPlots } = await import('@espalier/report');
      const behind = index === null ? [] : dense;
      const trial = { title: name, index, steps, totalSteps: total, kernels, dense: behind };
      for (const [i, plot] of (await runningPlots(trial)).entries()) {
        // A plot takes the place of the one before; whether its numbers are open stays.
        const key = plot.title;
        if (!shown.has(key)) shown.set(key, place(plots, i, figureHtml));
        shown.get(key)!(plot);
      }
    },
  };
}

/** A place for a plot and its numbers, to be filled again and again. */
function place(
  plots: HTMLElement,
  at: number,
  figureHtml: (plot: RunningPlot) => string,
): (plot: RunningPlot) => void {
  const [figure, numbers] = [element('div'), element('div', { className: 'scroll', tabIndex: 0 })];
  const details = element('details', {}, element('summary', {}, 'In numbers'), numbers);
  plots.insertBefore(element('div', {}, figure, details), plots.children[at] ?? null);
  let latest: RunningPlot | null = null;
  const fill = () => {
    if (!latest || !details.open) return;
    numbers.replaceChildren(tableOf(latest.numbers.head, latest.numbers.rows));
  };
  details.addEventListener('toggle', fill);
  return (plot) => {
    latest = plot;
    numbers.setAttribute('role', 'region');
    numbers.setAttribute('aria-label', plot.title);
    figure.innerHTML = figureHtml(plot);
    fill();
  };
}
