export { commonSource, type Expiry, type ExpiryRooms, type ExpirySource, openExpiry } from './expiry.ts';
export { type Ending, type Horizon, horizonOf, horizonPolicy, lastDayBefore, levelOf } from './horizon.ts';
export { longestSilence, noteContact, type Rhythm } from './rhythm.ts';
