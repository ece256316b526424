/** The page: a form, a worker that trains, and what it tells. */
import { element, find } from './elements.js';
import { choiceOf, prepareForm } from './form.js';
import type { Message } from './messages.js';
import { keepForOffline } from './offline.js';
import { trialCard, type TrialCard } from './trial-card.js';

/** In milliseconds: as often as can be followed. */
const DRAW_EVERY = 500;

const [form, train, stop] = [
  find<HTMLFormElement>('form'),
  find<HTMLButtonElement>('train'),
  find<HTMLButtonElement>('stop'),
];

interface Running {
  readonly worker: Worker;
  readonly cards: TrialCard[];
  /** Ends what is still being read for it. */
  readonly ended: AbortController;
  names: readonly string[];
  device: string;
}

let running: Running | null = null;

prepareForm(showError);
form.addEventListener('submit', (event) => {
  event.preventDefault();
  void start();
});
stop.addEventListener('click', () => {
  end('Stopped.');
});
void keepForOffline();

async function start(): Promise<void> {
  if (running) return;
  showError(null);
  find('outcome').hidden = true;
  find('running').replaceChildren();
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const own: Running = (running = {
    ...{ worker, cards: [], names: [], device: '', ended: new AbortController() },
  });
  train.disabled = true;
  stop.disabled = false;
  say('Getting ready.');
  // On a phone the form fills the window.
  if (find('bar').getBoundingClientRect().bottom > innerHeight / 2) find('bar').scrollIntoView();
  worker.onmessage = ({ data }: MessageEvent<Message>) =>
    void hear(own, data).catch((error: Error) => fail(own, error.message));
  worker.onerror = ({ message }) =>
    fail(own, message || 'The worker that trains could not be started: reload the page');
  draw(own);
  try {
    const choice = await choiceOf((line) => sayOf(own, line), own.ended.signal);
    if (running === own) worker.postMessage(choice);
  } catch (error) {
    fail(own, (error as Error).message);
  }
}

async function hear(own: Running, message: Message): Promise<void> {
  if (running !== own) return;
  switch (message.kind) {
    case 'planned': {
      own.names = message.trials.map(({ name }) => name);
      own.device = message.device;
      own.cards.push(...own.names.map((name, i) => trialCard(name, name === 'dense' ? null : i - 1)));
      find('running').replaceChildren(...own.cards.map((card) => card.element));
      return;
    }
    case 'started':
      return say(
        `Training ${own.names[message.index]}, ${message.index + 1} of ${own.names.length}, with ${own.device}.`,
      );
    case 'reading':
      return own.cards[message.index]!.read(message);
    case 'ended': {
      const { index, loss, trouble } = message;
      own.cards[index]!.end(trouble === null ? `ended, test loss ${loss?.toFixed(4)}` : `failed: ${trouble}`);
      if (trouble !== null) showError(`${own.names[index]}: ${trouble.split('\n')[0]}`);
      return;
    }
    case 'noted':
      return say(message.line);
    case 'failed':
      return fail(own, message.message);
    case 'done': {
      await drawNow(own);
      // With what draws, loaded when there is something to show.
      const { showOutcome } = await import('./outcome.js');
      // In the meantime it may have been stopped, and another started.
      if (running !== own) return;
      showOutcome(message, own.device);
      const dense = message.summary.rows.find(({ pruner }) => pruner === 'dense');
      end(dense?.status === 'ok' ? 'Done: the results are below.' : 'Done.');
      return;
    }
    default:
      return message satisfies never;
  }
}

function fail(own: Running, message: string): void {
  if (running !== own) return;
  showError(message);
  end('There are no results.');
}

function end(line: string): void {
  if (!running) return;
  running.worker.terminate();
  running.ended.abort();
  running = null;
  const hadFocus = document.activeElement === stop;
  train.disabled = false;
  stop.disabled = true;
  if (hadFocus) train.focus();
  say(line);
}

function draw(own: Running): void {
  if (running !== own) return;
  drawNow(own).then(
    () => setTimeout(() => draw(own), DRAW_EVERY),
    (error: Error) => fail(own, error.message),
  );
}

async function drawNow({ cards }: Running): Promise<void> {
  const [dense] = cards;
  for (const card of cards) await card.draw(dense!.steps);
}

function sayOf(own: Running, line: string): void {
  if (running === own) say(line);
}

function say(line: string): void {
  find('status').textContent = line;
}

function showError(message: string | null): void {
  const box = find('error');
  box.hidden = message === null;
  box.replaceChildren(...(message === null ? [] : [element('span', {}, message)]));
}
