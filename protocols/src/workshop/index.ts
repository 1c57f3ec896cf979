export {
  type ApplicationSeen,
  type BridgeEvent,
  bridgeEvent,
  type CardSeen,
  type ReaderSeen,
  type StepResult,
  stepVerdicts,
} from './events.ts';
