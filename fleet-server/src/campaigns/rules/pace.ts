import type { CampaignPace } from '@tsunagu/protocols/fleet';

/** Orders that a campaign may still make: they come with time, and are not saved up for longer than a minute. */
export interface Credit {
  readonly orders: number;
  readonly at: number;
}

/** Orders a minute, with so many terminals changed: those that had it before say nothing of how the change fares. */
export const perMinute = ({ perMinute: first, growth, every, perMinuteMax }: CampaignPace, done: number): number =>
  Math.min(perMinuteMax, first * growth ** Math.floor(done / every));

/** The credit at `now`. A clock that went back brings none. */
export function earn(pace: CampaignPace, credit: Credit | undefined, done: number, now: number): Credit {
  const rate = perMinute(pace, done);
  if (credit === undefined) return { orders: Math.max(1, rate / 60), at: now };
  const earned = (rate * Math.max(0, now - credit.at)) / 60_000;
  return { orders: Math.min(Math.max(1, rate), credit.orders + earned), at: now };
}
