export { co2KgPerKg, figuresOf, type FinishedWork, type WorkshopFigures } from './figures.ts';
export {
  addEntry,
  type FaultCode,
  faultCodes,
  freshOrder,
  openWork,
  partNumber,
  type OpenWork,
  type WorkEntry,
  workEntry,
  workIntake,
  workKinds,
  type WorkOrder,
  workWants,
} from './order.ts';
export {
  isLow,
  moveStock,
  noStock,
  type PartStock,
  stockKinds,
  stockMove,
  type StockMove,
} from './stock.ts';
