/** Keeps the page on the device, where the browser can, and says so. */
import { find } from './elements.js';

export async function keepForOffline(): Promise<void> {
  // In development files change under the page.
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const { serviceWorker } = navigator;
  let isKept = serviceWorker.controller !== null;
  serviceWorker.addEventListener('controllerchange', () => {
    if (isKept)
      find('offline').textContent =
        'A newer version is on your device: it is there when you reload the page.';
    isKept = true;
  });
  try {
    await serviceWorker.register('./service-worker.js');
    await serviceWorker.ready;
    find('offline').textContent = 'It is on your device now, and works without a network.';
  } catch {
    // It works as long as there is a network.
  }
}
