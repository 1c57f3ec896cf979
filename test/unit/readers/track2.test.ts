import { readTrack2, writeTrack2 } from '@tsunagu/firmware-bridge/readers/stripe/track2';
import { describe, expect, it } from 'vitest';

const read = (track: string): string => {
  const result = readTrack2(writeTrack2(Buffer.from(track, 'latin1')));
  return result.ok ? `${result.value.expiry} ${result.value.serviceCode}` : result.fault.code;
};

describe('track 2 of a stripe', () => {
  it.each([
    ['4000001234567899=31122010000', '3112 201'],
    ['40000012=3101201', '3101 201'],
    ['4000001234567899017=3112201', '3112 201'],
    ['4000001=3112201', 'STRIPE_UNREADABLE'],
    ['40000012345678990171=3112201', 'STRIPE_UNREADABLE'],
    // DE14 can hold no such month, and the switch takes none.
    ['4000001234567899=31002010000', 'STRIPE_UNREADABLE'],
    ['4000001234567899=31132010000', 'STRIPE_UNREADABLE'],
    ['4000001234567899=3A122010000', 'STRIPE_UNREADABLE'],
    ['4000001234567899=31122', 'STRIPE_UNREADABLE'],
  ])('%s: %s', (track, outcome) => {
    expect(read(track)).toBe(outcome);
  });
});
