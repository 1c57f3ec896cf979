export {
  type Advice,
  type AdviceEntry,
  type AdviceStore,
  advicesMax,
  isDamaged,
  openAdviceStore,
} from './advice-store.ts';
export { type Outbox, openOutbox } from './outbox.ts';
export {
  followersOf,
  isVoided,
  type OwnCurrency,
  ownCurrency,
  refundedMinor,
  refundedOwnMinor,
  slipMax,
  type Transaction,
  transaction,
} from './record.ts';
export { openSaleStore, type SaleStore } from './sale-store.ts';
export { totalsOf } from './totals.ts';
export { type KeptTrace, openTraceStore, type TraceStore } from './trace-store.ts';
export { type Turns, turns } from './turns.ts';
