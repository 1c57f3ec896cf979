export { type NegativeAnswer, type NegativeHead, negativeHead } from './head.ts';
export { decodeSnapshot, encodeSnapshot, isListed, type Snapshot, tagLength } from './snapshot.ts';
export { negativeTag } from './tag.ts';
