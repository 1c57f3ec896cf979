export { type DescribedKind, describeBytes, describeText, type Description } from './describe.ts';
export type { Both, DescribeOptions, Line } from './line.ts';
export { mayHoldCardNumber } from './mask.ts';
