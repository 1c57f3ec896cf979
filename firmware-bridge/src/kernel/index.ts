export { contactSale } from './contact.ts';
export { contactlessSale } from './contactless.ts';
export type {
  CardFacts,
  Dialogue,
  KernelAction,
  KernelEvent,
  OnlineRequest,
  OnlineResult,
  Verification,
} from './dialogue.ts';
export type { KernelCode, KernelOutcome } from './outcome.ts';
export { type KernelHands, runDialogue, type TraceLine } from './run.ts';
export {
  actionCodes,
  additionalCapabilities,
  capabilitiesOf,
  type KernelTerminal,
  type KernelTransaction,
  terminalType,
} from './terminal.ts';
