export { negativeReasons, type NegativeReason, numberOfReason, reasonOf } from './coding/reasons.ts';
export { absent, type Container, damaged, decodeContainer, openContainer, type Span } from './container/container.ts';
export { countOf, encodeContainer, hashSet, type NegativeSet } from './container/encode.ts';
export { entryOf, type Partition, reasonNumberOf, sortEntries, tagOf } from './container/entries.ts';
export { containerBytesMax, entriesMax, type NegativeCodec, segmentEntries, trailerBytes } from './container/layout.ts';
export {
  containerRoot,
  headLeaves,
  leafHash,
  leavesOf,
  pathOf,
  readStepNodes,
  rootFrom,
  rootOf,
  sameBytes,
  stepLeaves,
  stepNodes,
} from './container/merkle.ts';
export { type Beside, type CardRange, exceptionsMax, isInRange, isRange, nothingBeside } from './container/ranges.ts';
export { applyDelta, deltaCounts, makeDelta } from './delta/delta.ts';
export {
  hashBitsFor,
  hashBitsMax,
  hashBitsMin,
  hashTag,
  hashTags,
  panMac,
  panMacBy,
  secondTag,
} from './keying/keyed-hash.ts';
export {
  panLengthMin as exactPanLengthMin,
  partitionOf,
  partitionSize,
  permutationKey,
  type PermutedPan,
  permutePan,
  permutePans,
} from './keying/keyed-permutation.ts';
export {
  type CardProbe,
  findCard,
  lookUp,
  type NegativeAnswer,
  type NegativeFinding,
  type NegativeLayers,
} from './look-up.ts';
export { decodeOverlay, encodeOverlay, findInOverlay, overlayBits, overlayMax } from './overlay/overlay.ts';
