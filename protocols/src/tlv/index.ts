export {
  decodeTlv,
  findTlv,
  findTlvDeep,
  findTlvPath,
  isConstructed,
  primitivesOf,
  Tlv,
  type TlvCode,
  type TlvOptions,
  tagName,
} from './decode.ts';
export { buildDol, type DolEntry, type DolFit, dolDataLength, encodeDol, parseDol, valueInDol } from './dol.ts';
export { encodeLength, encodeTag, encodeTlv, isTag, type TlvInput, tlv } from './encode.ts';
