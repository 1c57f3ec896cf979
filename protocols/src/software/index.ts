export {
  chunkBytes,
  type Chunked,
  chunked,
  chunkListLength,
  encodeChunkList,
  readChunkList,
} from './chunks.ts';
export {
  encodeSoftwareImage,
  readSoftwareHeader,
  softwareHeader,
  type SoftwareHeader,
  softwareHeaderBytesMax,
  softwareVersion,
} from './image.ts';
export { softwareBytesMax } from './limits.ts';
export { findTarget, type FoundTarget, targetOf, targetPath } from './target.ts';
export * from './tuf/index.ts';
export { applyVcdiff, encodeVcdiff } from './vcdiff/index.ts';
export { compareVersions } from './versions.ts';
