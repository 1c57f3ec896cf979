export { type Dialogue, type Reception, received, type TransmissionCode } from './dialogue.ts';
export {
  answerPps,
  baudRates,
  chooseTransmission,
  clockRates,
  defaultFiDi,
  type LineLimits,
  ppsRequest,
  readPpsResponse,
  type Transmission,
} from './pps.ts';
export { type T0Characters, type T0Send, t0Characters, t0Exchange } from './t0.ts';
export { type ProcedureStyle, T0Card, T0CardCharacters, type T0CardSettings } from './t0-card.ts';
export {
  decodeT1Block,
  type Epilogue,
  encodeT1Block,
  informationBytesMax,
  type Supervisory,
  type T1Block,
  t1BlockBytes,
  type T1Defect,
} from './t1-block.ts';
export { T1Card, type T1CardSettings } from './t1-card.ts';
export { T1Host, type T1Send, type T1Settings } from './t1-host.ts';
