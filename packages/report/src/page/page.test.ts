import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CHROMIUM, IN_CHROMIUM } from '../../../../tools/in-chromium.js';
import { comparedOf } from '../test-support.js';
import { htmlReport } from './page.js';

describe.skipIf(!CHROMIUM)(`the page ${IN_CHROMIUM}`, () => {
  let folder: string;
  let browser: Browser;
  let page: Page;
  const said: string[] = [];
  const asked: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'espalier-report-'));
    const compared = comparedOf({
      ...{
        pruners: ['magnitude', 'sequential-attention-plus-plus'],
        sparsities: [0.5, 0.75],
        seeds: [0, 1, 2],
      },
      accuracy: (pruner, sparsity, seed) =>
        0.95 - (pruner === 'magnitude' ? 0.1 : 0.3) * sparsity + seed / 100,
    });
    const file = join(folder, 'report.html');
    await writeFile(file, await htmlReport(compared));
    browser = await puppeteer.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox', '--disable-gpu'] });
    page = await browser.newPage();
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(file).href);
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('says nothing to the console and asks for nothing but itself', () => {
    expect(said).toEqual([]);
    expect(asked.filter((url) => !url.endsWith('report.html') && !url.startsWith('data:'))).toEqual([]);
  });

  it.each([375, 1440])('is as wide as the window at %i pixels, with text that can be read', async (width) => {
    await page.setViewport({ width, height: 900 });
    await page.evaluate(`document.querySelectorAll('details').forEach((part) => { part.open = true; })`);
    const seen = (await page.evaluate(`({
      wide: document.documentElement.scrollWidth,
      plots: document.querySelectorAll('figure svg').length,
      outside: [...document.querySelectorAll('figure')].filter((figure) => {
        const frame = figure.getBoundingClientRect();
        return frame.left < 0 || frame.right > innerWidth;
      }).length,
      // In pixels of the screen: a drawing is scaled to its column.
      smallest: Math.min(...[...document.querySelectorAll('figure svg text, td, p, figcaption')].map((text) => {
        const svg = text.closest('svg');
        const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
        return scale * parseFloat(getComputedStyle(text).fontSize);
      })),
      cut: [...document.querySelectorAll('figure svg text')].filter((text) => {
        const [box, frame] = [text.getBoundingClientRect(), text.closest('svg').getBoundingClientRect()];
        return box.left < frame.left - 2 || box.right > frame.right + 2 || box.bottom > frame.bottom + 2;
      }).map((text) => text.textContent),
    })`)) as { wide: number; plots: number; outside: number; smallest: number; cut: string[] };
    expect(seen.wide).toBe(width);
    expect(seen.plots).toBeGreaterThan(20);
    expect(seen.outside).toBe(0);
    expect(seen.smallest).toBeGreaterThanOrEqual(10.9);
    expect(seen.cut).toEqual([]);
  });

  it('has colours of its own in the dark, plots too, and the light ones on paper', async () => {
    const colours = async () =>
      (await page.evaluate(`[
        getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.querySelector('figure svg text[fill="#24292f"]')).fill,
      ]`)) as string[];
    const scheme = (value: string) => page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
    await scheme('light');
    expect(await colours()).toEqual(['rgb(255, 255, 255)', 'rgb(36, 41, 47)']);
    await scheme('dark');
    expect(await colours()).toEqual(['rgb(21, 24, 28)', 'rgb(230, 232, 235)']);
    await page.emulateMediaType('print');
    expect(await colours()).toEqual(['rgb(255, 255, 255)', 'rgb(36, 41, 47)']);
    await page.emulateMediaType('screen');
    await scheme('light');
  });

  it('sorts its table by a click, what has no number last', async () => {
    const column = async () =>
      (await page.evaluate(
        `[...document.querySelectorAll('.results tbody tr')].map((row) => row.cells[2].textContent.split(' ')[0])`,
      )) as string[];
    const before = await column();
    await page.evaluate(`document.querySelectorAll('.results th button')[2].click()`);
    const numbers = (texts: readonly string[]) => texts.map(parseFloat);
    expect(numbers(await column())).toEqual(numbers(before).sort((a, b) => a - b));
    await page.evaluate(`document.querySelectorAll('.results th button')[2].click()`);
    expect(numbers(await column())).toEqual(numbers(before).sort((a, b) => b - a));
    const targets = `[...document.querySelectorAll('.results tbody tr')].map((row) => row.cells[1].textContent)`;
    await page.evaluate(`document.querySelectorAll('.results th button')[1].click()`);
    expect(((await page.evaluate(targets)) as string[]).at(-1)).toBe('—');
  });
});
