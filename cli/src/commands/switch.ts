import { paymentMethodText } from '@tsunagu/protocols/acquiring';
import {
  hasCardNumber,
  settleAdvice as settling,
  settleDay as settlingDay,
  type SwitchAdvice,
  type SwitchDifference,
  type SwitchLink,
  type SwitchReconciliation,
  type SwitchSearch,
  type SwitchTransaction,
} from '@tsunagu/protocols/fleet';
import { leniencies } from '@tsunagu/protocols/iso8583';
import type { Result } from '@tsunagu/protocols/kit';
import { type Column, exit, type ExitCode, layOut, momentOf, pad, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { ownText } from './sale.ts';

/** Shows a list as JSON or as a table. `empty` is said where there is nothing. */
export function show<T>(
  { console, json }: Context,
  rows: readonly T[],
  columns: readonly Column<T>[],
  empty: string,
): void {
  if (json) return console.out(JSON.stringify(rows));
  if (rows.length === 0) return console.out(empty);
  const [head, ...lines] = layOut(columns, rows);
  console.out(console.paint('muted', head ?? ''));
  for (const line of lines) console.out(line);
}

/** `tsunagu switch links`: exit 5 when one that we dial is not signed on. */
export async function showLinks(context: Context): Promise<ExitCode> {
  const { client, console, json } = context;
  const answer = await client.switchLinks();
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { switch: texts } = console.texts;
  const heads = texts.linkColumns;
  const columns: readonly Column<SwitchLink>[] = [
    { head: heads.id, cell: ({ id }) => id },
    { head: heads.name, cell: ({ name }) => name[console.language] },
    { head: heads.side, cell: ({ side }) => texts.side[side] },
    { head: heads.kind, cell: ({ kind }) => wordOf(texts.linkKinds, kind) },
    { head: heads.own, cell: ({ parties }) => parties.own },
    { head: heads.far, cell: ({ parties: { far, acquirers } }) => [...new Set([far, ...acquirers])].join(' ') },
    { head: heads.state, cell: ({ state }) => texts.state[state] },
    { head: heads.lines, cell: ({ lines }) => String(lines.length), right: true },
    { head: heads.day, cell: ({ businessDay }) => businessDay },
    { head: heads.advices, cell: ({ advices }) => String(advices), right: true },
  ];
  show(context, answer.value, columns, '');
  for (const { id, mismatches, lenient } of json ? [] : answer.value) {
    if (mismatches.length > 0 || lenient.length > 0) console.out(id);
    for (const { leniency, count, lastAt } of lenient)
      console.out(texts.lenient(leniency, leniencies[leniency][console.language], count, momentOf(lastAt)));
    for (const { at, waiting, differs, ...answer } of mismatches)
      console.out(texts.mismatch(momentOf(at), nameOf(answer), waiting, differs.map(elementName).join(' ')));
  }
  const isDown = answer.value.some(({ side, state }) => side === 'issuer' && state !== 'signed-on');
  return isDown ? exit.otherOutcome : exit.ok;
}

/** What an answer calls itself; the RRN is what `tsunagu switch transactions --rrn` looks up. */
const nameOf = ({ mti, stan, rrn }: Pick<SwitchLink['mismatches'][number], 'mti' | 'stan' | 'rrn'>): string =>
  `${mti}${stan === null ? '' : ` STAN ${stan}`}${rrn === null ? '' : ` RRN ${rrn}`}`;

/** An element in which an answer differs; 0 stands for the class of the message. */
const elementName = (number: number): string => (number === 0 ? 'MTI' : `DE${number}`);

/** `tsunagu switch sign-on`, `sign-off`, `change-key`, `echo`: exit 5 when an echo does not come back on every connection. */
export async function orderLink(
  { client, console, json }: Context,
  link: string,
  verb: 'sign-on' | 'sign-off' | 'change-key' | 'echo',
): Promise<ExitCode> {
  const answer = await client.orderLink(link, verb);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { echo } = answer.value;
  const { ordered, echoed } = console.texts.switch;
  if (json) console.out(JSON.stringify(answer.value));
  else console.out(echo === null ? ordered(link, verb) : echoed(link, echo.answered, echo.sent));
  return echo !== null && echo.answered < Math.max(1, echo.sent) ? exit.otherOutcome : exit.ok;
}

function said(
  { console, json }: Pick<Context, 'client' | 'console' | 'json'>,
  answer: Result<unknown>,
  text: string,
): ExitCode {
  if (!answer.ok) return refuse(console, answer.fault, json);
  console.out(json ? JSON.stringify({}) : text);
  return exit.ok;
}

/** `tsunagu switch transactions` and `unknown`. What is searched by stands in an address: no card number goes there. */
export async function searchTransactions(context: Context, search: SwitchSearch, count: number): Promise<ExitCode> {
  const { client, console, json } = context;
  if (hasCardNumber(search)) return refuse(console, { code: 'SEARCH_BY_CARD_NUMBER' }, json);
  // One more tells whether there are older ones.
  const found = await client.switchTransactions(search, count + 1);
  if (!found.ok) return refuse(console, found.fault, json);
  const rows = found.value.slice(0, count);
  const { columns: heads, nothingFound, nothingUnknown } = console.texts.switch;
  const { texts } = console;
  const columns: readonly Column<SwitchTransaction>[] = [
    { head: heads.id, cell: ({ id }) => id },
    { head: heads.at, cell: ({ at }) => momentOf(at) },
    { head: heads.from, cell: ({ from }) => from },
    { head: heads.kind, cell: ({ kind }) => wordOf(texts.switch.operations, kind) },
    { head: heads.amount, cell: ({ amountMinor }) => texts.yen(amountMinor), right: true },
    // Where nobody chose another currency there is none to show.
    ...(rows.some(({ ownCurrency }) => ownCurrency)
      ? [
          {
            head: heads.own,
            cell: ({ ownCurrency }: SwitchTransaction) => (ownCurrency ? ownText(ownCurrency) : ''),
            right: true,
          },
        ]
      : []),
    ...(rows.some(({ method }) => method)
      ? [
          {
            head: heads.method,
            cell: ({ method }: SwitchTransaction) => (method ? paymentMethodText(method, console.language) : ''),
          },
        ]
      : []),
    { head: heads.card, cell: ({ lastFour }) => `…${lastFour}` },
    { head: heads.rrn, cell: ({ rrn }) => rrn ?? texts.none },
    { head: heads.state, cell: ({ state }) => wordOf(texts.switch.saleStates, state) },
    { head: heads.code, cell: ({ actionCode }) => actionCode ?? texts.none },
    { head: heads.link, cell: ({ link }) => link ?? texts.none },
  ];
  show(context, rows, columns, search.state === 'unknown' ? nothingUnknown : nothingFound);
  if (found.value.length > count) console.err(console.paint('muted', texts.switch.older(count)));
  return search.state === 'unknown' && rows.length > 0 ? exit.otherOutcome : exit.ok;
}

/** `tsunagu switch show`. */
export async function showTransaction({ client, console, json }: Context, id: string): Promise<ExitCode> {
  if (hasCardNumber({ id })) return refuse(console, { code: 'SEARCH_BY_CARD_NUMBER' }, json);
  const answer = await client.switchTransaction(id);
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) {
    console.out(JSON.stringify(answer.value));
    return exit.ok;
  }
  const { entries, postings, ownCurrency, method, ...facts } = answer.value;
  const { none, yen, switch: texts } = console.texts;
  const inWords: Readonly<Record<string, (value: string) => string>> = {
    at: momentOf,
    kind: (value) => wordOf(texts.operations, value),
    state: (value) => wordOf(texts.saleStates, value),
    entry: (value) => wordOf(texts.entries, value),
    decidedBy: (value) => wordOf(texts.deciders, value),
    amountMinor: (value) => yen(Number(value)),
  };
  const lines = [
    ...Object.entries(facts).flatMap(([name, value]) =>
      value === null ? [] : [{ name, text: inWords[name]?.(String(value)) ?? String(value) }],
    ),
    ...(method ? [{ name: 'method', text: paymentMethodText(method, console.language) }] : []),
    ...(ownCurrency
      ? [
          {
            name: 'ownCurrency',
            text: `${ownText(ownCurrency)}  ${texts.rate(ownCurrency.rate, ownCurrency.markUpBasisPoints ?? 0)}`,
          },
        ]
      : []),
  ].map(({ name, text }) => ({ label: wordOf(texts.facts, name), text }));
  // A label of the full width takes two columns a letter.
  for (const { label, text } of lines) console.out(`${pad(label, 22)}${text}`);
  console.out(texts.journal);
  for (const { at, entry, facts: more } of entries)
    console.out(
      `  ${momentOf(at)}  ${wordOf(texts.journalEntries, entry)}  ${Object.entries(more)
        .map(([name, value]) => `${wordOf(texts.facts, name)}=${value === '' ? none : value}`)
        .join(' ')}`.trimEnd(),
    );
  if (postings.length > 0) console.out(texts.postings);
  for (const { side, kind, amountMinor, link, day, saidDay } of postings)
    console.out(
      `  ${texts.side[side]}  ${link}  ${day}${day === saidDay ? '' : ` (${saidDay})`}  ${wordOf(texts.postingKinds, kind)}  ${yen(amountMinor)}`,
    );
  return exit.ok;
}

/** `tsunagu switch dead-letters`, or with `all` every advice that waits. Exit 5 when one waits for a person. */
export async function showAdvices(context: Context, isDead: boolean): Promise<ExitCode> {
  const { client, console, json } = context;
  const answer = await client.switchAdvices(isDead);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { texts } = console;
  const heads = texts.switch.columns;
  const columns: readonly Column<SwitchAdvice>[] = [
    { head: heads.id, cell: ({ id }) => id },
    { head: heads.at, cell: ({ createdAt }) => momentOf(createdAt) },
    { head: heads.kind, cell: ({ kind }) => wordOf(texts.switch.operations, kind) },
    { head: heads.link, cell: ({ link }) => link },
    {
      head: heads.amount,
      cell: ({ amountMinor }) => (amountMinor === null ? texts.none : texts.yen(amountMinor)),
      right: true,
    },
    { head: heads.card, cell: ({ lastFour }) => (lastFour === null ? texts.none : `…${lastFour}`) },
    { head: heads.state, cell: ({ state }) => wordOf(texts.switch.saleStates, state) },
    { head: heads.attempts, cell: ({ attempts }) => String(attempts), right: true },
    { head: heads.said, cell: ({ lastActionCode }) => lastActionCode ?? texts.none },
    { head: heads.next, cell: ({ nextAt }) => momentOf(nextAt) },
  ];
  show(context, answer.value, columns, texts.switch.nothingWaits);
  return answer.value.some(({ state }) => state === 'dead') ? exit.otherOutcome : exit.ok;
}

/** `tsunagu switch retry`. */
export const retryAdvice = async (context: Context, id: string): Promise<ExitCode> =>
  said(context, await context.client.retryAdvice(id), context.console.texts.switch.retried(id));

/** Says how long a reason has to be, where one is not; undefined for one that is. */
function reasonRefused(
  { console, json }: Context,
  { minLength, maxLength }: { readonly minLength: number | null; readonly maxLength: number | null },
  reason: string,
): ExitCode | undefined {
  const [least, most] = [minLength ?? 1, maxLength ?? 200];
  if (reason.length >= least && reason.length <= most) return undefined;
  const facts = { wants: console.texts.switch.characters(least, most) };
  return refuse(console, { code: 'OPTION_INVALID', field: '--reason', facts }, json);
}

/** `tsunagu switch settle`. */
export const settleAdvice = async (context: Context, id: string, reason: string): Promise<ExitCode> =>
  reasonRefused(context, settling.shape.reason, reason) ??
  said(context, await context.client.settleAdvice(id, reason), context.console.texts.switch.settled(id));

/** `tsunagu switch reconcile`: exit 5 when the two sides differ. */
export async function reconcile(
  context: Context,
  link: string,
  options: { readonly day?: string; readonly close: boolean },
): Promise<ExitCode> {
  const { client, console, json } = context;
  const answer = await client.reconcileDay({
    link,
    close: options.close,
    ...(options.day !== undefined && { day: options.day }),
  });
  if (!answer.ok) return refuse(console, answer.fault, json);
  showDays(context, [answer.value]);
  return answer.value.result === 'balanced' ? exit.ok : exit.otherOutcome;
}

/** `tsunagu switch settle-day`. */
export async function settleDay(
  context: Context,
  link: string,
  day: string,
  what: { readonly figures: 'ours' | 'theirs'; readonly reason: string },
): Promise<ExitCode> {
  const refused = reasonRefused(context, settlingDay.shape.reason, what.reason);
  if (refused !== undefined) return refused;
  const answer = await context.client.settleDay(link, day, what);
  if (!answer.ok) return refuse(context.console, answer.fault, context.json);
  showDays(context, [answer.value]);
  return exit.ok;
}

/** `tsunagu switch reconciliations`. */
export async function showReconciliations(context: Context, count: number): Promise<ExitCode> {
  const answer = await context.client.reconciliations(count);
  if (!answer.ok) return refuse(context.console, answer.fault, context.json);
  showDays(context, answer.value);
  return exit.ok;
}

function showDays(context: Context, days: readonly SwitchReconciliation[]): void {
  const { texts } = context.console;
  const { columns: heads, result, dayState, figures, nothingCompared } = texts.switch;
  const net = ({
    creditsMinor,
    creditReversalsMinor,
    debitsMinor,
    debitReversalsMinor,
  }: SwitchReconciliation['ours']): string =>
    texts.yen(debitsMinor - debitReversalsMinor - creditsMinor + creditReversalsMinor);
  show(
    context,
    days,
    [
      { head: heads.day, cell: (each) => each.day },
      { head: heads.link, cell: ({ link }) => link },
      { head: heads.state, cell: ({ state }) => dayState[state] },
      { head: heads.result, cell: (each) => result[each.result] },
      { head: heads.ours, cell: ({ ours }) => net(ours), right: true },
      { head: heads.theirs, cell: ({ theirs }) => (theirs === null ? texts.none : net(theirs)), right: true },
      {
        head: heads.counts,
        cell: ({ counted, settled }) =>
          settled === null
            ? texts.none
            : `${settled.figures === null ? '?' : figures[settled.figures]} ${net(counted)}`,
      },
      { head: heads.settledBy, cell: ({ settled }) => settled?.by ?? texts.none },
      { head: heads.settledAt, cell: ({ settled }) => (settled === null ? texts.none : momentOf(settled.at)) },
      { head: heads.differences, cell: ({ differences }) => String(differences), right: true },
    ],
    nothingCompared,
  );
}

/** `tsunagu switch differences`: exit 5 when there are some. */
export async function showDifferences(context: Context, link: string, day: string): Promise<ExitCode> {
  const answer = await context.client.differencesOf(link, day);
  if (!answer.ok) return refuse(context.console, answer.fault, context.json);
  const { texts } = context.console;
  const { columns: heads, result } = texts.switch;
  const amount = (minor: number | null): string => (minor === null ? texts.none : texts.yen(minor));
  const columns: readonly Column<SwitchDifference>[] = [
    { head: heads.time, cell: ({ localTime }) => localTime },
    { head: heads.stan, cell: ({ stan }) => stan },
    { head: heads.kind, cell: ({ kind }) => wordOf(texts.switch.items, kind) },
    { head: heads.ours, cell: ({ oursMinor }) => amount(oursMinor), right: true },
    { head: heads.theirs, cell: ({ theirsMinor }) => amount(theirsMinor), right: true },
    { head: heads.id, cell: ({ transaction }) => transaction ?? texts.none },
  ];
  show(context, answer.value, columns, result.balanced);
  return answer.value.length > 0 ? exit.otherOutcome : exit.ok;
}

/** What a word of the API is called in the reader's language; one of a newer server stands as it is. */
export const wordOf = (words: Readonly<Record<string, string>>, word: string): string => words[word] ?? word;
