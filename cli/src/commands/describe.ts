import type { TerminalSummary, TimelineEntry } from '@tsunagu/protocols/fleet';
import type { Texts } from '../language/index.ts';

/** How long ago something was, in words; `now` and `time` as the clock and RFC 3339 text. */
export const agoOf = (texts: Texts, now: number, time: string | null): string =>
  time === null ? texts.none : texts.ago(Math.max(0, Math.round((now - Date.parse(time)) / 1_000)));

export const placeOf = (terminal: TerminalSummary): string =>
  [terminal.place.shop, terminal.place.lane].filter(Boolean).join(' ');

export const linkOf = (texts: Texts, terminal: TerminalSummary): string => texts.link[terminal.link.state];

export const configurationOf = (texts: Texts, { configuration }: TerminalSummary): string =>
  configuration.inSync
    ? texts.inSync(configuration.reported)
    : texts.behind(configuration.reported, configuration.desired);

export const negativeOf = (texts: Texts, now: number, { negative }: TerminalSummary): string =>
  texts.negativeAge(negative.version, agoOf(texts, now, negative.freshAt), negative.current).trim();

export function lastSaleOf(texts: Texts, now: number, { lastSale }: TerminalSummary): string {
  if (!lastSale) return texts.none;
  const outcomes: Readonly<Record<string, string>> = texts.outcome;
  return `${texts.yen(lastSale.amountMinor)} ${outcomes[lastSale.outcome] ?? lastSale.outcome} ${agoOf(texts, now, lastSale.at)}`;
}

/** One line of a timeline: when, what, and the facts that a person asks for. */
export function timelineLine(texts: Texts, entry: TimelineEntry): string {
  const facts = Object.entries(entry.facts).map(([name, value]) => `${name}=${value}`);
  return `${new Date(entry.at).toLocaleTimeString('sv-SE')}  ${texts.timeline[entry.kind]}  ${facts.join(' ')}`.trimEnd();
}
