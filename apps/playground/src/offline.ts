/** Keeps the page on the device, where the browser can, and says so. */
import { find } from './elements.js';

export async function keepForOffline(): Promise<void> {
  // In development files change under the page.
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register('./service-worker.js');
    await navigator.serviceWorker.ready;
    find('offline').textContent = 'It is on your device now, and works without a network.';
  } catch {
    // It works as long as there is a network.
  }
}
