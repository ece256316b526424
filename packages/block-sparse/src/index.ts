export { BlockPattern, patternOf, type ColumnView, type PatternFields } from './pattern.js';
