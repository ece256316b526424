/** What it was computed on, by which command, and with which settings. */
import { describeBudget, type Environment } from '@espalier/experiment';

import type { Compared } from '../report.js';
import { markup, type Html } from './html.js';

export function environmentPart({ summary, trials }: Compared): Html {
  const { environment, others = [], command } = summary;
  const settings = new Map<string, Set<string>>();
  for (const { trial } of trials) {
    const { pruner, tuned } = trial;
    if (!pruner && !tuned) continue;
    const { name, settings: given } = pruner ?? { name: 'dense', settings: {} };
    const text = JSON.stringify({ ...(given as object | null), ...tuned });
    settings.set(name, (settings.get(name) ?? new Set<string>()).add(text));
  }
  return markup`<section id="environment">
    <h2>Environment</h2>
    ${[environment, ...others].map(described)}
    ${summary.tuning ? markup`<p>Settings were chosen by tuning: ${describeBudget(summary.tuning)}.</p>` : null}
    ${
      command
        ? markup`<p>The command:</p>
            <pre>${command}</pre>`
        : null
    }
    ${
      settings.size > 0
        ? markup`<details>
            <summary>Settings of the strategies</summary>
            <dl>
              ${[...settings].map(
                ([name, texts]) =>
                  markup`<dt>${name}</dt>
                    <dd>${[...texts].map((text) => markup`<code>${text}</code> `)}</dd>`,
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
  return markup`<dl>
    ${rows.map(([name, value]) =>
      value
        ? markup`<dt>${name}</dt>
            <dd>${value}</dd>`
        : null,
    )}
  </dl>`;
}
