/** What it was computed on, by which command, and with which settings. */
import type { Environment } from '@espalier/experiment';

import type { Compared, TrialRecord } from '../report.js';
import { markup, type Html } from './html.js';

/** Null where no trial has kept its model. */
export function modelsPart({ trials }: Compared): Html | null {
  const saved = trials.filter(({ models }) => models.length > 0);
  if (saved.length === 0) return null;
  const link = ({ place }: TrialRecord, path: string) =>
    markup`<a href="${encodeURI(`${place}/${path}`)}">${path}</a> `;
  return markup`<section id="models">
    <h2>Models</h2>
    <dl>
      ${saved.map(
        (record) =>
          markup`<dt>${record.name}</dt>
            <dd>${record.models.map((path) => link(record, path))}</dd>`,
      )}
    </dl>
  </section>`;
}

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
