export {
  type Attestation,
  type AttestedRun,
  attestation,
  type Coverage,
  coverage,
  coverageOf,
  attestationCharactersMax,
  type OpenedAttestation,
  openAttestation,
  runsMax,
  signAttestation,
  totalsOf,
} from './attestation.ts';
export { type BenchReaderName, benchReaderPlaces } from './bench-readers.ts';
export {
  type ApplicationSeen,
  type BridgeEvent,
  bridgeEvent,
  type CardSeen,
  type ReaderSeen,
  type StepResult,
  stepResult,
} from './events.ts';
export { issuerOutageFile } from './issuer-outage.ts';
export { cableFiles, type CableOrder, cableOrder, type CablesState, cablesState } from './reader-cables.ts';
