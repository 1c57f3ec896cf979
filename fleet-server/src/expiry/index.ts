export { endingsOf, estateEndings } from './estate-endings.ts';
export { commonSource, type Expiry, type ExpiryRooms, type ExpirySource, openExpiry } from './expiry.ts';
export {
  type Ending,
  type Horizon,
  type Reason,
  horizonOf,
  horizonPolicy,
  isWorse,
  lastDayBefore,
  levelOf,
} from './horizon.ts';
export { longestSilence, noteContact, type Rhythm } from './rhythm.ts';
