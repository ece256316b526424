/** How the page looks: light and dark, on a phone, on paper. */
import { darkRules, INK } from '../palette.js';
import { FONT, PLOT_WIDTH } from '../vega.js';

const variables = (scheme: 'light' | 'dark') =>
  Object.entries(INK)
    .map(([name, colours]) => `--${name}:${colours[scheme]}`)
    .join(';');

/** Of the report's page, and of pages that show its parts. */
export const STYLE = `
:root{color-scheme:light dark;${variables('light')};--card:#f6f8fa}
@media screen and (prefers-color-scheme:dark){:root{${variables('dark')};--card:#1b1f24}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:16px;max-width:1240px;background:var(--paper);color:var(--text);font:15px/1.5 ${FONT};overflow-wrap:break-word}
h1{font-size:1.6rem;line-height:1.25;margin:.4em 0 .2em}
h2{font-size:1.2rem;margin:2em 0 .5em;border-bottom:1px solid var(--grid);padding-bottom:.25em}
p,ul{margin:.4em 0}
a{color:var(--shade)}
small,.muted{color:var(--muted);font-size:.875rem}
nav{display:flex;flex-wrap:wrap;gap:.2em 1em;margin:.8em 0}
code,pre{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{margin:.4em 0;padding:8px 10px;background:var(--card);border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere}
.notice{border-left:4px solid var(--missed);background:var(--card);padding:.5em .8em;margin:.8em 0}
.scroll{overflow-x:auto;margin:.5em 0;border:1px solid var(--grid);border-radius:6px}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
.scroll>table{min-width:100%}
th,td{padding:5px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--grid)}
tr:last-child>td{border-bottom:0}
thead th{vertical-align:bottom;white-space:normal;min-width:5.5em;font-weight:600;background:var(--card)}
th:first-child,td:first-child,.words td,.words th{text-align:left}
.words td,.words th{white-space:normal;vertical-align:top}
.results th:first-child,.results td:first-child{position:sticky;left:0;background:var(--paper);border-right:1px solid var(--grid)}
.results thead th:first-child{background:var(--card)}
.results td:first-child{white-space:normal;min-width:7.5em;overflow-wrap:normal}
th button{all:unset;cursor:pointer;display:block;width:100%}
th button:focus-visible{outline:2px solid var(--shade);outline-offset:2px}
th[aria-sort=ascending] button::after{content:" ↑"}
th[aria-sort=descending] button::after{content:" ↓"}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,${PLOT_WIDTH}px),1fr));gap:20px;align-items:start;margin:.8em 0}
figure{margin:0;min-width:0;break-inside:avoid}
figure svg{display:block;width:100%;max-width:${Math.round(PLOT_WIDTH * 1.2)}px;height:auto}
figcaption{color:var(--muted);font-size:.8125rem;line-height:1.4;padding:2px 4px 0}
details{margin:.6em 0}
summary{cursor:pointer;font-weight:600}
dl{display:grid;grid-template-columns:minmax(6em,max-content) 1fr;gap:.2em 1em;margin:.4em 0}
dt{color:var(--muted)}
dd{margin:0;min-width:0}
.holds{color:var(--hit);font-weight:600}
.fails{color:var(--missed);font-weight:600}
@media print{body{max-width:none;padding:0;font-size:10pt}.scroll{overflow:visible;border:0}table{font-size:7.5pt}th,td{padding:2px 4px}.results th:first-child,.results td:first-child{position:static}nav{display:none}h2{break-after:avoid}.plots{grid-template-columns:repeat(2,1fr)}}
${darkRules('svg ')}
`.trim();
