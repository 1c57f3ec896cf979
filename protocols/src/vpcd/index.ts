export {
  encodeVpcdFrame,
  encodeVpcdRequest,
  readVpcdRequest,
  takeVpcdFrame,
  type VpcdRequest,
  vpcdPayloadBytesMax,
} from './frame.ts';
