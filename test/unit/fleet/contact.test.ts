import { contactOf } from '@tsunagu/fleet-server/conversation/contact';
import { contact, defaultContact, pauseBeforeConnect, serialSchema, untilContact } from '@tsunagu/protocols/fleet';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';

const fleet = (size: number) =>
  Array.from({ length: size }, (_, index) => contactOf(serialSchema.parse(`SLOT-${index}`), size));
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('what the server hands out', () => {
  it('is valid, the same for a serial each time, and spreads the fleet evenly over a heartbeat period', () => {
    const handedOut = fleet(4_000);
    expect(fleet(4_000)).toEqual(handedOut);
    const minutes = new Map<number, number>();
    for (const each of handedOut) {
      expect(contact.parse(each)).toEqual(each);
      const second = Math.floor((each.slotMs % 60_000) / 1_000);
      minutes.set(second, (minutes.get(second) ?? 0) + 1);
    }
    expect(minutes.size).toBe(60);
    expect(Math.max(...minutes.values())).toBeLessThan(2 * (4_000 / 60));
  });

  it('lets a small fleet back at once, and a large one no faster than the server takes it', () => {
    expect(fleet(100)[0]?.spreadMs).toBe(0);
    const { spreadMs } = fleet(20_000)[0] ?? defaultContact;
    expect(20_000 / (spreadMs / 1_000)).toBeLessThanOrEqual(400);
    expect(contactOf(serialSchema.parse('SLOT-1'), 10_000_000).spreadMs).toBe(600_000);
  });
});

describe('the back-off', () => {
  test.prop([random, fc.integer({ min: 0, max: 100_000 })])(
    'stays between its shortest and its longest pause',
    (part, before) => {
      const pause = pauseBeforeConnect(defaultContact, before, part);
      expect(pause).toBeGreaterThanOrEqual(defaultContact.firstMs);
      expect(pause).toBeLessThanOrEqual(defaultContact.maxMs);
    },
  );

  it('brings 20,000 terminals that fall together back apart: nowhere twice the rate that the server takes', () => {
    const given = fleet(20_000)[0] ?? defaultContact;
    const seconds = new Map<number, number>();
    // Any generator does: what is looked at is the shape.
    for (let index = 0; index < 20_000; index++) {
      const second = Math.floor(pauseBeforeConnect(given, undefined, ((index * 7_919) % 20_000) / 20_000) / 1_000);
      seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    expect(Math.max(...seconds.values())).toBeLessThanOrEqual(800);
  });

  test.prop([random, fc.integer({ min: 0, max: 2 ** 41 }), fc.integer({ min: 1_000, max: 3_600_000 })])(
    'puts one contact into each period, in the slot',
    (part, now, periodMs) => {
      const given = { ...defaultContact, slotMs: 12_345_678, jitterMs: 500 };
      const wait = untilContact(given, periodMs, now, part);
      expect(wait).toBeGreaterThanOrEqual(periodMs / 2 - 1);
      expect(wait).toBeLessThanOrEqual(1.5 * periodMs + 501);
      const late = (((now + wait - given.slotMs) % periodMs) + periodMs) % periodMs;
      expect(Math.min(late, periodMs - late)).toBeLessThanOrEqual(501);
    },
  );
});
