export { emulatedSignature } from './emulated.ts';
export { type Bitmap, rasterOf } from './raster.ts';
export {
  isWritten,
  type Signature,
  signature,
  signatureBounds,
  signatureBox,
  signaturePath,
  signatureSvg,
} from './signature.ts';
