export { type CardVault, cardVault, openCardVault } from './card-vault.ts';
export {
  type ChipHands,
  type ChipOutcome,
  type ChipReading,
  type ChipTransaction,
  type OnlineQuestion,
} from './chip-reading.ts';
export type { ReaderPlace } from '../readers/real.ts';
export type { Readers as TerminalReaders } from '../readers/port.ts';
export type { CurrencyOffer } from './hand.ts';
export type { HolderHabits } from './holder-habits.ts';
export { authoritiesFile, type CardAuthorities, readCardAuthorities } from './card-authorities.ts';
export { openCardHand } from './open-hand.ts';
export type { PinHabit } from './pin-habit.ts';
export type { Acquirer, AcquirerFault, AcquirerMessage, NegativeFile } from './ports.ts';
export { type ChipReceipt, chipReceipt } from './receipt.ts';
export { type SealedCard, sealedCard } from './sealed-card.ts';
export {
  openSecurePart,
  type ReaderCheck,
  type SecurePart,
  type SecurePartOptions,
  type StripeReading,
} from './secure-part.ts';
export { type SaleRoom, type SaleTimings, Stopwatch, saleRooms } from './stopwatch.ts';
export type { TransitContents, TransitReading } from './transit-reading.ts';
