/**
 * Keeps every file of the playground on the device, so that it works without a network from the second time on. The
 * build puts in which files there are. Another build takes over at once: a page is of that build from the next time that
 * it is loaded, and one that is open finds its own files until no page is.
 */
/* global self, caches, fetch, Request */
// Caches are the origin's: those of another playground on it are left alone. No scope has a space in it.
const OWN = `espalier-playground ${self.registration.scope} `;
const CACHE = `${OWN}VERSION`;
// Not 'index.html', which some servers redirect: no page is made of what was redirected.
const FILES = ['./', 'FILES'];
const PAGES = ['./', './index.html'].map((page) => new URL(page, self.registration.scope).pathname);

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: 'no-cache' }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== self.location.origin) return;
  if (request.mode !== 'navigate') {
    event.respondWith(kept(request).then((found) => found ?? fetch(request)));
  } else if (PAGES.includes(pathname)) {
    event.waitUntil(deleteOlder(event.resultingClientId));
    event.respondWith(
      caches
        .open(CACHE)
        .then((cache) => cache.match('./'))
        .then((found) => found ?? fetch(request)),
    );
  }
});

/** Of this build, else of an older one: names are by content, so none means two files. */
async function kept(request) {
  const names = (await caches.keys()).filter((name) => name.startsWith(OWN) && name !== CACHE);
  for (const name of [CACHE, ...names]) {
    const cache = await caches.open(name);
    const found = await cache.match(request, { ignoreSearch: true, ignoreVary: true });
    if (found) return found;
  }
  return undefined;
}

/** What no page needs: none is open but the one that is about to be. */
async function deleteOlder(coming) {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const isOpen = ({ id, url }) => id !== coming && url.startsWith(self.registration.scope);
  if (pages.some(isOpen)) return;
  const older = (name) => name.startsWith(OWN) && name !== CACHE;
  await Promise.all((await caches.keys()).filter(older).map((name) => caches.delete(name)));
}
