export type { AcquirerMessage } from './acquirer-message.ts';
export { EmulatedCardSide, openCardSide } from './card-side.ts';
export {
  type Acquirer,
  type AcquirerFault,
  type CardSide,
  type CardSideOptions,
  type CardSidePorts,
  type NegativeFile,
  type OnSaleStep,
  type PinHabit,
  type ReversalQueue,
  reversalsMax,
  type SaleOrder,
  type SaleRoom,
  type SaleTimings,
  type StanCounter,
  type StoredReversal,
  saleRooms,
  type TerminalIdentity,
} from './ports.ts';
export { type MeasuredSales, measureSales } from './measure-sale.ts';
export { type ReversalImage, reversalImage } from './reversal-image.ts';
