import { currencies, lumpSum, moneyText, paymentMethodText, rateText } from '@tsunagu/protocols/acquiring';
import { errorTable } from '@tsunagu/protocols/errors';
import { describeActionCode, describeOutsideHours } from '@tsunagu/protocols/iso8583';
import { schemes } from '@tsunagu/protocols/emv';
import { isInquiry, isTopUp, signOf, type TerminalTotals } from '@tsunagu/protocols/fleet';
import type { OwnCurrency, Transaction } from '../sales/index.ts';
import type { Signature } from '../signature/index.ts';
import { transitScheme } from '@tsunagu/protocols/felica';
import { slipTexts } from './texts.ts';

/** A slip, before it has a width: what is on it, from top to bottom. All forms are made of this one. */
export type SlipBlock =
  | { readonly type: 'title'; readonly text: string; readonly isLarge: boolean }
  | { readonly type: 'pair'; readonly label: string; readonly value: string; readonly isStrong?: boolean }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'rule' }
  /** A line to sign on, or what was written. */
  | { readonly type: 'signature'; readonly label: string; readonly written: Signature | undefined }
  /** For a scanner: Code 128 and QR of the same digits. */
  | { readonly type: 'code'; readonly data: string };

export type SlipCopy = 'customer' | 'merchant';
export type SlipLanguage = 'ja' | 'en';

/** What is printed on every slip of a terminal. */
export interface SlipHead {
  readonly merchantName: string;
  readonly terminalId: string;
  readonly merchantId: string;
  readonly taxPercent: number;
  /** Lines at the top and at the end; empty: none. */
  readonly receiptHeader: string;
  readonly receiptFooter: string;
  /** IANA name: times are the shop's. */
  readonly timeZone: string;
}

/** Yen as a slip shows them. */
export const yen = (amountMinor: number): string =>
  `${amountMinor < 0 ? '-' : ''}¥${String(Math.abs(amountMinor)).replace(/\B(?=(\d{3})+$)/g, ',')}`;

/** The consumption tax that an amount includes; fractions of a yen are cut off. */
export const taxIn = (amountMinor: number, percent: number): number =>
  Math.floor((amountMinor * percent) / (100 + percent));

/** A card number as a slip may show it: the last four digits. */
export const maskedCard = (lastFour: string): string => (lastFour === '' ? '-' : `**** **** **** ${lastFour}`);

/** The shop's local time, YYYY/MM/DD hh:mm:ss. */
export const slipTime = (at: number, timeZone: string): string =>
  new Date(at).toLocaleString('sv-SE', { timeZone }).replaceAll('-', '/');

/** What a slip is called: a gift or cash card has no credit scheme, and its payment is none on credit. */
const titleOf = (scheme: string | undefined): 'payment' | 'noScheme' | 'transit' =>
  scheme === transitScheme.key ? 'transit' : scheme === '' ? 'noScheme' : 'payment';

/** A line of the shop's own, where it has one. */
const line = (text: string): SlipBlock[] => (text === '' ? [] : [{ type: 'title', text, isLarge: false }]);

/**
 * The slip of a transaction. A slip of a chip card shows application, AID and what finds the transaction again, as EMV 4.3 Book 4, 11.4
 * asks; one of a transaction that did not happen says so above everything else.
 */
export function slipOf(one: Transaction, head: SlipHead, copy: SlipCopy, language: SlipLanguage): readonly SlipBlock[] {
  const texts = slipTexts[language];
  const { labels } = texts;
  const pair = (label: string, value: string | undefined, isStrong = false): SlipBlock[] =>
    value === undefined || value === '' ? [] : [{ type: 'pair', label, value, isStrong }];
  const isMade = one.outcome === 'approved';
  const { chip } = one;
  const title = titleOf(one.card?.scheme);
  const isTransit = title === 'transit';
  const isBack = one.kind === 'refund' || one.kind === 'void';
  const own = one.ownCurrency && ownTexts(one.ownCurrency, isBack);
  const left =
    one.balanceMinor === undefined
      ? '-'
      : one.balanceUnit === 'points'
        ? texts.points(one.balanceMinor.toLocaleString('en'))
        : yen(one.balanceMinor);
  return [
    ...line(head.receiptHeader),
    { type: 'title', text: texts.titles[title], isLarge: false },
    { type: 'title', text: texts.copies[copy], isLarge: false },
    ...(isMade ? [] : [{ type: 'title', text: texts.notMade, isLarge: true } as const]),
    { type: 'rule' },
    ...pair(labels.merchant, head.merchantName),
    ...pair(labels.shop, copy === 'merchant' ? head.merchantId : undefined),
    ...pair(labels.terminal, head.terminalId),
    ...pair(labels.slip, String(one.slip).padStart(5, '0')),
    ...pair(labels.at, slipTime(one.at, head.timeZone)),
    ...pair(labels.kind, texts.kinds[one.kind], true),
    ...pair(labels.original, one.original?.stan),
    { type: 'rule' },
    ...pair(labels.scheme, schemeName(one.card?.scheme ?? '', language)),
    ...pair(labels.card, maskedCard(one.card?.lastFour ?? '')),
    ...pair(labels.entry, texts.entries[one.entry]),
    ...pair(labels.application, chip?.label),
    ...pair(labels.aid, chip?.aid),
    ...pair(labels.atc, chip?.atc),
    ...pair(chip?.cryptogramKind || labels.cryptogram, chip?.cryptogram),
    ...pair(labels.stan, one.stan),
    ...pair(labels.rrn, one.rrn),
    ...pair(labels.approval, isMade ? one.approvalCode : undefined),
    { type: 'rule' },
    ...(isInquiry(one.kind)
      ? pair(isTransit ? labels.left : labels.balance, left, true)
      : [
          ...pair(labels.payment, title === 'payment' ? paymentMethodText(one.method ?? lumpSum, language) : undefined),
          ...pair(labels.total, yen(isBack ? -one.amountMinor : one.amountMinor), true),
          ...(own
            ? [
                ...pair(isBack ? labels.ownBack : labels.ownAmount, own.amount, true),
                ...pair(labels.rate, own.rate),
                ...pair(labels.markUp, own.markUp),
              ]
            : []),
          // Money that goes onto a card buys nothing yet, nor does what takes it back.
          ...(isTopUp(one.original?.kind ?? one.kind)
            ? []
            : pair(texts.tax(head.taxPercent), yen(taxIn(one.amountMinor, head.taxPercent)))),
          ...pair(
            labels.left,
            title !== 'payment' && isMade && one.balanceMinor !== undefined ? left : undefined,
            true,
          ),
        ]),
    { type: 'rule' },
    ...pair(labels.result, texts.outcomes[one.outcome], true),
    ...(isMade ? [] : why(one, language)),
    ...(one.isOffline ? [{ type: 'note', text: texts.offline } as const] : []),
    ...(isMade && own ? [{ type: 'note', text: isBack ? texts.backAtRate : texts.chosen(own.alpha) } as const] : []),
    ...(isMade ? verified(one, copy, language) : []),
    { type: 'code', data: String(one.slip).padStart(5, '0') },
    ...line(head.receiptFooter),
  ];
}

/** What the cardholder pays in the own currency, at which rate, and what that is above the provider's: both amounts stand on the slip. */
function ownTexts({ currency, amountMinor, rate, markUpBasisPoints }: OwnCurrency, isBack: boolean) {
  const alpha = currencies[currency]?.alpha ?? currency;
  return {
    alpha,
    amount: moneyText(isBack ? -amountMinor : amountMinor, currency),
    rate: `JPY 1 = ${alpha} ${rateText(rate)}`,
    markUp: `${(markUpBasisPoints / 100).toFixed(2)}%`,
  };
}

function schemeName(scheme: string, language: SlipLanguage): string {
  const known =
    scheme === transitScheme.key ? transitScheme : Object.entries(schemes).find(([name]) => name === scheme)?.[1];
  return known?.[language] ?? '';
}

/** Why it did not happen: the issuer's code in words, else our own. */
function why({ actionCode, tillCode, reason, serviceHours }: Transaction, language: SlipLanguage): SlipBlock[] {
  const blocks: SlipBlock[] = [];
  const code = actionCode ?? '';
  const meaning = (serviceHours ? describeOutsideHours(serviceHours) : describeActionCode(code))?.[language];
  if (tillCode !== undefined)
    blocks.push({ type: 'pair', label: slipTexts[language].labels.tillCode, value: tillCode });
  if (code !== '') blocks.push({ type: 'pair', label: slipTexts[language].labels.action, value: code });
  if (meaning !== undefined && code !== '000') blocks.push({ type: 'note', text: meaning });
  const says = Object.entries(errorTable).find(([name]) => name === reason)?.[1][language].says;
  if (says !== undefined) blocks.push({ type: 'note', text: says });
  if (reason !== undefined) blocks.push({ type: 'note', text: reason });
  return blocks;
}

/** How the cardholder was verified: a signature is asked for on the merchant's copy, where there is none yet. */
function verified(
  { verification, signature, kind, card }: Transaction,
  copy: SlipCopy,
  language: SlipLanguage,
): SlipBlock[] {
  const texts = slipTexts[language];
  const note = (text: string): SlipBlock => ({ type: 'note', text });
  if (isInquiry(kind) || card?.scheme === transitScheme.key) return [];
  switch (verification) {
    case 'offlinePin':
    case 'onlinePin':
      return [note(texts.pinOk)];
    case 'onDevice':
      return [note(texts.onDevice)];
    case 'none':
      return [note(texts.noSignature)];
    case 'signature':
    case 'offlinePinAndSignature':
    case 'onlinePinAndSignature': {
      const pin = verification === 'signature' ? [] : [note(texts.pinOk)];
      if (copy === 'customer') return signature ? [...pin, note(texts.signed)] : pin;
      return [...pin, { type: 'signature', label: texts.labels.signature, written: signature }];
    }
  }
}

/** The slip of daily totals. */
export function totalsSlip(totals: TerminalTotals, head: SlipHead, language: SlipLanguage): readonly SlipBlock[] {
  const texts = slipTexts[language];
  const { labels } = texts;
  return [
    { type: 'title', text: texts.titles.totals, isLarge: false },
    { type: 'title', text: totals.isClosed ? texts.closed : texts.open, isLarge: false },
    { type: 'rule' },
    { type: 'pair', label: labels.merchant, value: head.merchantName },
    { type: 'pair', label: labels.terminal, value: head.terminalId },
    { type: 'pair', label: labels.day, value: String(totals.day) },
    { type: 'pair', label: labels.from, value: totals.from === null ? '-' : slipTime(totals.from, head.timeZone) },
    { type: 'pair', label: labels.until, value: totals.until === null ? '-' : slipTime(totals.until, head.timeZone) },
    { type: 'rule' },
    ...totals.lines.flatMap(({ company, scheme, kind, count, amountMinor }): SlipBlock[] => [
      {
        type: 'pair',
        label: [company, schemeName(scheme, language), texts.kinds[kind]].filter(Boolean).join(' '),
        value: `${texts.count(count)}  ${yen(signOf(kind) < 0 ? -amountMinor : amountMinor)}`,
      },
    ]),
    { type: 'rule' },
    ...(totals.companies ?? []).map(
      ({ company, netMinor }): SlipBlock => ({ type: 'pair', label: `${labels.net} ${company}`, value: yen(netMinor) }),
    ),
    { type: 'pair', label: labels.net, value: yen(totals.netMinor), isStrong: true },
    ...(totals.waiting > 0
      ? [{ type: 'pair', label: labels.waiting, value: texts.count(totals.waiting) } as const]
      : []),
    ...totals.refused.map(
      ({ stan, actionCode }): SlipBlock => ({ type: 'pair', label: labels.refused, value: `${stan} (${actionCode})` }),
    ),
  ];
}
