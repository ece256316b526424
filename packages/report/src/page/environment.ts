/** What it was computed on, by which command, and with which settings. */
import type { Environment } from '@espalier/experiment';

import type { Compared } from '../report.js';
import { html, type Html } from './html.js';

export function environmentPart({ summary, trials }: Compared): Html {
  const { environment, others = [], command } = summary;
  const settings = new Map<string, Set<string>>();
  for (const { trial } of trials) {
    if (!trial.pruner) continue;
    const { name, settings: given } = trial.pruner;
    settings.set(name, (settings.get(name) ?? new Set<string>()).add(JSON.stringify(given ?? {})));
  }
  return html`<section id="environment">
    <h2>Environment</h2>
    ${[environment, ...others].map(described)}
    ${
      command
        ? html`<p>The command:</p>
            <pre>${command}</pre>`
        : null
    }
    ${
      settings.size > 0
        ? html`<details>
            <summary>Settings of the strategies</summary>
            <dl>
              ${[...settings].map(
                ([name, texts]) =>
                  html`<dt>${name}</dt>
                    <dd>${[...texts].map((text) => html`<code>${text}</code> `)}</dd>`,
              )}
            </dl>
          </details>`
        : null
    }
  </section>`;
}

function described(environment: Environment): Html {
  const {
    backend,
    device,
    accelerators = [],
    threads,
    jobs,
    processor,
    cores,
    node,
    platform,
    tfjs,
    date,
  } = environment;
  const libraries = accelerators.map(({ name, library }) =>
    library ? [library.kind, library.version].filter(Boolean).join(' ') : name,
  );
  const rows: [string, string | null][] = [
    ['backend', [backend, device].filter(Boolean).join(', ')],
    ['accelerators', libraries.join(', ') || 'none'],
    ['processor', `${processor}, ${cores} cores`],
    [
      'side by side',
      `${jobs} trial${jobs === 1 ? '' : 's'}, ${threads} thread${threads === 1 ? '' : 's'} each`,
    ],
    ['runtime', [node && `Node ${node}`, platform, `tfjs ${tfjs}`].filter(Boolean).join(', ')],
    ['date', date],
  ];
  return html`<dl>
    ${rows.map(([name, value]) =>
      value
        ? html`<dt>${name}</dt>
            <dd>${value}</dd>`
        : null,
    )}
  </dl>`;
}
