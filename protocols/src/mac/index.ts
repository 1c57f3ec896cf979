export { computeMac, type MacAlgorithm, verifyMac } from './mac.ts';
export { type PaddingMethod, pad } from './padding.ts';
