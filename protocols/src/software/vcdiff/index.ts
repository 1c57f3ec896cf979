export { applyVcdiff } from './decode.ts';
export { encodeVcdiff } from './encode.ts';
