import { horizonOf, longestSilence, noteContact, type Rhythm } from '@tsunagu/fleet-server/expiry/index';
import { describe, expect, it } from 'vitest';
import { announcedExactly, liveThrough } from './drill.ts';
import { dayMs } from './virtual-house.ts';

const start = Date.UTC(2027, 0, 1);

// The long ones are in drill.real.test.ts: five years, and the other rhythms.
describe('the drill of the H5000', () => {
  it('sixteen months with three rhythms, through a rotation of the issuing CA: nobody is lost, nobody is alarmed', async () => {
    const { authorities, behind, servers } = await liveThrough(480);
    expect(authorities.filter(({ kind }) => kind === 'issuing').length).toBeGreaterThanOrEqual(2);
    expect(servers).toBeGreaterThanOrEqual(2);
    expect(behind).toBe(0);
  }, 120_000);

  it(
    'a rotation that is forgotten is announced long before, and the announced day is exact: every 30 days',
    () => announcedExactly(30),
    120_000,
  );
});

describe('the rhythm of a terminal', () => {
  const after = (days: readonly number[]): Rhythm | undefined =>
    days.reduce<Rhythm | undefined>((known, day) => noteContact(known, start + day * dayMs), undefined);

  it('is what it was heard on, bounded, and its longest silence of two years is not forgotten', () => {
    expect(longestSilence(undefined)).toBeUndefined();
    expect(longestSilence(after([0, 1]))).toBeUndefined();
    expect(longestSilence(after([0, 1, 3]))).toBe(2 * dayMs);
    // A winter of ninety days, then a daily summer.
    const winter = [0, 1, 2, 92, ...Array.from({ length: 200 }, (_, day) => 93 + day)];
    expect(longestSilence(after(winter))).toBe(90 * dayMs);
    const known = after(Array.from({ length: 3_000 }, (_, day) => day));
    expect([known?.recent.length, known?.long.length]).toEqual([32, 8]);
    const forgotten = after([...winter, ...Array.from({ length: 900 }, (_, day) => 293 + day)]);
    expect(longestSilence(forgotten)).toBe(dayMs);
  });

  it('does not change twice a day, nor when the clock goes back', () => {
    const known = after([0, 1, 2]);
    expect(noteContact(known, start + 2.4 * dayMs)).toBe(known);
    expect(noteContact(known, start - 50 * dayMs)).toBe(known);
  });

  it('of two things that end together the deeper one is the cause, and what never ends ends last', () => {
    const endsAt = start + 100 * dayMs;
    const horizon = horizonOf(
      [
        { kind: 'terminal-certificate', name: 'a', endsAt },
        { kind: 'job-signing', name: 'b', endsAt: null },
        { kind: 'issuing-authority', name: 'c', endsAt },
      ],
      7 * dayMs,
      start,
    );
    expect(horizon?.reasons.map(({ kind }) => kind)).toEqual([
      'issuing-authority',
      'terminal-certificate',
      'job-signing',
    ]);
    expect(horizon).toMatchObject({ level: 'near', until: endsAt - 8 * dayMs });
    expect(horizonOf([{ kind: 'job-signing', name: 'b', endsAt: null }], dayMs, start)).toBeUndefined();
  });

  it('of several with one name the first that ends is told, once', () => {
    const roots = [300, 100, 200].map((days) => ({
      kind: 'negative-signing' as const,
      name: 'root',
      endsAt: start + days * dayMs,
    }));
    const told = horizonOf([...roots, { kind: 'software-signing', name: 'root', endsAt: null }], 7 * dayMs, start);
    expect(told?.reasons.map(({ kind, endsAt }) => [kind, endsAt])).toEqual([
      ['negative-signing', start + 100 * dayMs],
      ['software-signing', null],
    ]);
  });
});
