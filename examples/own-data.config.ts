/**
 * Data of your own, compared on in a few lines:
 *
 *     npx espalier compare --config examples/own-data.config.ts --workload spirals
 */
import { fromArrays } from '@espalier/datasets';
import { defineConfig } from 'espalier/config';
import { multilayerPerceptron } from '@espalier/models';
import { classification, defineWorkload } from '@espalier/workloads';

/** Three arms that turn around each other: a point of arm `label` at radius `r`. */
const points = Array.from({ length: 1500 }, (_, i) => ({ label: i % 3, r: (i + 1) / 1500 }));
const place = ({ label, r }: (typeof points)[number], of: (angle: number) => number) =>
  r * of((2 * Math.PI * label) / 3 + 5 * r);

const spirals = defineWorkload({
  name: 'spirals',
  task: classification,
  data: fromArrays({
    inputs: points.map((point) => [place(point, Math.cos), place(point, Math.sin)]),
    labels: points.map(({ label }) => ['red', 'green', 'blue'][label] as string),
  }),
  model: (seed) => multilayerPerceptron({ inputs: 2, hidden: [128, 128], outputs: 3, seed }),
});

export default defineConfig({ workloads: { spirals } });
