import { permits, type TerminalSummary, type TimelineEntry } from '@tsunagu/protocols/fleet';
import { type Console, explain } from '../console/index.ts';
import type { Texts } from '../language/index.ts';

/** How long ago something was, in words; `now` and `time` as the clock and RFC 3339 text. */
export const agoOf = (texts: Texts, now: number, time: string | null): string =>
  time === null ? texts.none : texts.ago(Math.max(0, Math.round((now - Date.parse(time)) / 1_000)));

export const placeOf = (terminal: TerminalSummary): string =>
  [terminal.place.shop, terminal.place.lane].filter(Boolean).join(' ');

/** The line of a terminal; of one that is not let in, also why. */
export const linkOf = (texts: Texts, { link, lifecycle }: TerminalSummary): string =>
  texts.link[link.state] + (permits(lifecycle, 'connect') ? '' : ` (${texts.identity.state[lifecycle]})`);

export const configurationOf = (texts: Texts, { configuration, lifecycle }: TerminalSummary): string =>
  lifecycle === 'scrap'
    ? texts.none
    : configuration.inSync
      ? texts.inSync(configuration.reported)
      : texts.behind(configuration.reported, configuration.desired);

export const negativeOf = (texts: Texts, now: number, { negative }: TerminalSummary): string =>
  texts.negativeAge(negative.version, agoOf(texts, now, negative.freshAt), negative.current).trim();

export function lastSaleOf(texts: Texts, now: number, { lastSale }: TerminalSummary): string {
  if (!lastSale) return texts.none;
  const outcomes: Readonly<Record<string, string>> = texts.outcome;
  return `${texts.yen(lastSale.amountMinor)} ${outcomes[lastSale.outcome] ?? lastSale.outcome} ${agoOf(texts, now, lastSale.at)}`;
}

/** A fact of an entry: what a person knows by a word is told by that word, ids and codes as they are. */
function factOf(texts: Texts, kind: TimelineEntry['kind'], name: string, value: string): string {
  const isMove = kind === 'lifecycle-moved';
  const label = (isMove ? texts.moveFacts : texts.facts)[name] ?? texts.facts[name] ?? name;
  const words: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    outcome: texts.outcome,
    kind: texts.payment.kinds,
    lifecycle: texts.identity.state,
    level: texts.identity.level,
    ends: texts.identity.kind,
    surface: texts.life.surface,
    ...(isMove && { from: texts.identity.state, to: texts.identity.state }),
    ...(kind === 'lost' && { state: texts.link }),
    ...(kind === 'alarm' && { state: texts.identity.state }),
    ...(kind.startsWith('job-') && { state: texts.job.states }),
    ...(kind === 'swap' && { step: texts.life.swapStep }),
    ...(kind === 'work-order' && { outcome: texts.life.workOutcome }),
  };
  if (name === 'amountMinor') return `${label}=${texts.yen(Number(value))}`;
  // Several at once; a list that is empty is one too.
  const findings: Readonly<Record<string, string>> = texts.life.finding;
  if (name === 'findings')
    return `${label}=${
      value
        .split(' ')
        .map((one) => findings[one] ?? one)
        .join(' ') || texts.life.nothingFound
    }`;
  return `${label}=${words[name]?.[value] ?? texts.truth[value] ?? value}`;
}

/** One line of a timeline: when, what, and the facts that a person asks for. */
export function timelineLine(texts: Texts, entry: TimelineEntry): string {
  const facts = Object.entries(entry.facts).map(([name, value]) => factOf(texts, entry.kind, name, String(value)));
  return `${new Date(entry.at).toLocaleTimeString('sv-SE')}  ${texts.timeline[entry.kind]}  ${facts.join(' ')}`.trimEnd();
}

/** The timeline, newest first; below the newest alarm of each code what it means and what to do. */
export function timelineLines(
  console: Pick<Console, 'language' | 'texts' | 'paint'>,
  entries: readonly TimelineEntry[],
): readonly string[] {
  const told = new Set<unknown>();
  return entries.flatMap((entry) => {
    const line = timelineLine(console.texts, entry);
    const { code } = entry.facts;
    if (entry.kind !== 'alarm' || typeof code !== 'string' || told.has(code)) return [line];
    told.add(code);
    const { says, next } = explain(code, console.language);
    return [line, `  ${says}`, ...(next ? [`  ${console.paint('muted', console.texts.next)} ${next}`] : [])];
  });
}

/** What a person has to look at: code, record and since when; then what it means and what to do. */
export function troubleLines(
  console: Pick<Console, 'language' | 'texts' | 'paint'>,
  now: number,
  { serial, troubles }: Pick<TerminalSummary, 'serial' | 'troubles'>,
): readonly string[] {
  const { texts } = console;
  return troubles.flatMap(({ code, record, at, isRunning }) => {
    const { says, next } = explain(code, console.language);
    const state = isRunning ? texts.trouble.runs : texts.trouble.stands;
    const facts = [record, agoOf(texts, now, at), state].filter((part) => part !== null).join('  ');
    return [
      `${serial}  ${console.paint(isRunning ? 'warn' : 'error', code)}  ${facts}`,
      `  ${says}`,
      ...(next ? [`  ${console.paint('muted', texts.next)} ${next}`] : []),
    ];
  });
}
