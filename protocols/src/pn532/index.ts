export { acr122Firmware, setAcr122Light, setAcr122Polling, unwrapFromAcr122, wrapForAcr122 } from './acr122.ts';
export {
  decodePn532Command,
  decodePn532Response,
  encodePn532Command,
  encodePn532Response,
  type Pn532Command,
  type Pn532Response,
  type Pn532Target,
  pn532Commands,
  pn532StatusMeaning,
  pn532Statuses,
  type TargetKind,
  targetKinds,
} from './commands.ts';
export { decodeFrame, encodeFrame, type Frame, type FrameCode, FrameReader, readFrame } from './frame.ts';
