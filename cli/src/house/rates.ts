import type { RateRules } from '@tsunagu/protocols/fleet';
import { ok, type Result } from '@tsunagu/protocols/kit';
import type { Timer, World } from '@tsunagu/protocols/world';
import type { Client } from '../client/index.ts';

/** How often the emulated provider sets its rates; half of how long they may be offered, so that a house that runs has some in force. */
const everyMs = 12 * 3_600_000;

/** Yen for one unit: about what they were, and of no day in particular. */
const yen = { 840: '152.34', 978: '164.82', 156: '21.03', 410: '0.1098' } as const;

/** The rates of the emulated provider at a moment. Cards of one test range are told by their numbers, others by their chips. */
export const emulatedRates = (nowMs: number): RateRules => ({
  source: 'emulated rate provider',
  at: new Date(nowMs).toISOString(),
  validMinutes: 1_440,
  offerMinutes: 10,
  markUpBasisPoints: 400,
  rates: Object.entries(yen).map(([currency, each]) => ({ currency, yen: each })),
  cards: [{ prefix: '47617390011', currency: '840' }],
});

/**
 * The provider of rates of an emulated house: puts its rates in force through the management API, as an operator would, at once and from time to time. It leaves
 * rates alone that are not its own.
 */
export async function emulateRateProvider(world: World, client: Client): Promise<Result<Timer>> {
  const set = async (): Promise<Result<void>> => {
    const known = await client.switchRules('rates');
    if (!known.ok) return known;
    const { rules, version, by } = known.value;
    const now = world.clock.now();
    const next = emulatedRates(now);
    if (!('rates' in rules) || (by !== 'house' && rules.source !== next.source)) return ok(undefined);
    if (rules.source === next.source && Date.parse(rules.at) + everyMs > now) return ok(undefined);
    const changed = await client.changeSwitchRules('rates', version, next, 'rates of the day');
    return changed.ok ? ok(undefined) : changed;
  };
  const first = await set();
  if (!first.ok) return first;
  return ok(
    world.timers.every(everyMs, () => {
      void set().then((done) => {
        if (!done.ok) world.log('warn', 'ratesNotSet', { fault: done.fault });
      });
    }),
  );
}
