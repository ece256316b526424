import { describe, expect, it } from 'vitest';

import { DARK, INK, lookOf } from './palette.js';

/** Of two colours, by WCAG 2.2 (relative luminance, contrast ratio). */
function contrast(one: string, two: string): number {
  const [light, dark] = [one, two].map(luminance).sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5]
    .map((start) => parseInt(colour.slice(start, start + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [
    number,
    number,
    number,
  ];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

describe('the colours', () => {
  it('of text stand out by 4.5 : 1, those of marks by 3 : 1, in the light and in the dark', () => {
    for (const { light, dark } of [INK.text, INK.muted]) {
      expect(contrast(light, INK.paper.light)).toBeGreaterThan(4.5);
      expect(contrast(dark, INK.paper.dark)).toBeGreaterThan(4.5);
    }
    const marks = Array.from({ length: 7 }, (_, i) => lookOf(i).colour);
    for (const light of [...marks, INK.reference.light, INK.hit.light, INK.missed.light, INK.shade.light]) {
      expect(contrast(light, INK.paper.light), light).toBeGreaterThan(3);
      expect(contrast(DARK.get(light)!, INK.paper.dark), light).toBeGreaterThan(3);
    }
  });

  it('are each the light of one dark alone', () => {
    const lights = [...DARK.keys()];
    expect(new Set(lights).size).toBe(lights.length);
  });

  it('go with shapes so that forty strategies have a look each', () => {
    const looks = Array.from({ length: 40 }, (_, i) => JSON.stringify(lookOf(i)));
    expect(new Set(looks).size).toBe(40);
  });
});
