export { type CustodyFacts, custodyAlarm, dwellMaxMs, gapMaxMs } from './alarms.ts';
export {
  countedAt,
  type CustodyFault,
  type CustodyHead,
  custodyGenesis,
  custodyKeyPurpose,
  custodyPurpose,
  handover,
  type Handover,
  handoverHash,
  holder,
  type Holder,
  noCustody,
  offeredHandover,
  type OfferedHandover,
  openHandover,
  signedHandover,
  type SignedHandover,
  signHand,
} from './handover.ts';
export { type CustodyFinding, custodyLine, type CustodyLine, type CustodyReport, verifyCustody } from './verify.ts';
