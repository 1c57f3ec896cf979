export { type Negative, type NegativeRooms, type NegativeState, openNegative, regularList } from './negative.ts';
export { hasCheckDigit, headLifeMs, headOf, headRenewBeforeMs, type ListState, overlayMax } from './rules.ts';
