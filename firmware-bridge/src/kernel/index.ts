export { type FallbackRules, type Interface, mayTakeStripe, type NextInterface, nextInterface } from './fallback.ts';
export { contactSale } from './contact.ts';
export { contactlessSale } from './contactless/entry-point.ts';
export type {
  CardFacts,
  CardHome,
  Dialogue,
  KernelAction,
  KernelEvent,
  OnlineRequest,
  OnlineResult,
  PinAnswer,
  PinKind,
  PinQuestion,
  Verification,
} from './dialogue.ts';
export type { KernelCode, KernelOutcome } from './outcome.ts';
export { type KernelHands, runDialogue } from './run.ts';
export {
  actionCodes,
  additionalCapabilities,
  type ContactlessLimits,
  canTakeSignature,
  capabilitiesOf,
  type KernelSettings,
  type KernelTerminal,
  type KernelTransaction,
  kernelTerminalOf,
  type PinPad,
  type RandomSelection,
  type TransactionType,
  transactionTypes,
} from './terminal.ts';
export type { TraceCause, TraceNote } from './trace-note.ts';
