/** What a tuning leaves in its folder. */
import type { Store, TunedSettings } from '@espalier/experiment';

/** Settings that are the same as those that lie there keep their date: a command that is run again changes nothing. */
export async function writeTuned(store: Store, name: string, tuned: TunedSettings): Promise<void> {
  const text = (settings: TunedSettings) => `${JSON.stringify(settings, null, 2)}\n`;
  const before = await store.read(name);
  const date = before === null ? undefined : /"date": "([^"]*)"/.exec(before)?.[1];
  if (date !== undefined && before === text({ ...tuned, date })) return;
  await store.write(name, text(tuned));
}
