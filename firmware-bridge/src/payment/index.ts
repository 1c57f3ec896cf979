export { PaymentApplication, type PaymentOptions } from './application.ts';
export { openCardSide, TerminalCardSide } from './card-side.ts';
export { chainOf, findOriginal, judgeFollowUp } from './follow-up.ts';
export { type MeasuredSales, measureSales } from './measure-sale.ts';
export { floorLimitAt, mayApproveOffline } from './offline.ts';
export {
  type AcquirerStanding,
  type CardSide,
  type CardSideOptions,
  type CardSidePorts,
  type OfflineCounter,
  type OnSaleStep,
  type PaymentPorts,
  type PaymentRun,
  type ReversalQueue,
  reversalsMax,
  type SaleOrder,
  type StanCounter,
  type TerminalIdentity,
} from './ports.ts';
export { type ReversalImage, reversalImage } from './reversal-image.ts';
export { refusedPayment } from './result.ts';
