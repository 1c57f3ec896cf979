export { computeMac, type MacAlgorithm, readyMac, verifyMac } from './mac.ts';
export { type PaddingMethod, pad } from './padding.ts';
