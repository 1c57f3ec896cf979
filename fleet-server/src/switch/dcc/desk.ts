import { type GivenBack, type Conversion, conversionElements, formatOfferTerms } from '@tsunagu/protocols/acquiring';
import type { OwnCurrency } from '@tsunagu/protocols/fleet';
import { textOf } from '@tsunagu/protocols/iso8583';
import { fail, toHex } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Insertable, Selectable, Transaction } from 'kysely';
import type { Database, Store } from '../../store/index.ts';
import type { Commit } from '../journal/commit.ts';
import type { Journal } from '../journal/journal.ts';
import type { SaleRow } from '../journal/written.ts';
import type { SwitchAlarm, SwitchRooms, SwitchVault } from '../ports.ts';
import { leadingDigits } from '../routing/route.ts';
import type { SwitchRules } from '../rules/rules.ts';
import type { Asking } from '../transaction/asking.ts';
import { ownAnswer } from '../transaction/messages.ts';
import { standing } from '../transaction/rules.ts';
import { bodyDigest, type TerminalSale } from '../terminal-link/request.ts';
import { type DccRefusal, judgeClaim, judgeCompletion, judgeRefund, offerFor } from './offer.ts';
import { LookUpBound } from './look-up-bound.ts';
import type { SwitchDccTables } from './tables.ts';
import { ownCurrencyOf } from './views.ts';

/** How long an offer that is over is kept, so that a repeat of its look-up finds it, and a late sale its reason. */
const keptMs = 86_400_000;

/** How many conversions the live feed finds. */
const latelyMax = 1_000;

/** What a sale or refund says of the cardholder's currency. */
export interface Said {
  readonly conversion: Conversion | undefined;
  /** Of the offer that a sale uses. */
  readonly reference: string | undefined;
}

/** Offers amounts in the currency of a card, and sees that what is sold and given back is what was offered. All of it is in the store: an offer outlives a restart. */
export class DccDesk {
  readonly #world: World;
  readonly #store: Store;
  readonly #vault: SwitchVault;
  readonly #journal: Journal;
  readonly #rules: SwitchRules;
  readonly #alarm: (alarm: SwitchAlarm) => void;
  /** What was converted lately, by sale, for the live feed alone: the store has all of it. */
  readonly #lately = new Map<string, OwnCurrency>();
  readonly #bound = new LookUpBound();

  constructor(
    world: World,
    { store, vault, alarm }: Pick<SwitchRooms, 'store' | 'vault' | 'alarm'>,
    journal: Journal,
    rules: SwitchRules,
  ) {
    this.#world = world;
    this.#store = store;
    this.#vault = vault;
    this.#alarm = alarm;
    this.#journal = journal;
    this.#rules = rules;
  }

  /** The answer to a rate look-up: what the amount is, or why nothing is offered. It is on disk before it is told; the same look-up again gets the same. */
  async answer(
    asking: Asking,
    { message, pan, stan, localTime, amountMinor }: TerminalSale,
    forbidden: { readonly actionCode: string; readonly reason: string } | undefined,
    route: { readonly scheme: string; readonly link: string } | undefined,
  ): Promise<Uint8Array> {
    const { key, serial, ksn, face } = asking;
    const now = this.#world.clock.now();
    const say = (actionCode: string, added: { readonly [element: number]: string } = {}): Uint8Array =>
      ownAnswer(face, message, actionCode, now, added);
    const text = (number: number): string | undefined => textOf(message, number);
    // A repeat gets what the first one got, whatever the rates are by now.
    const bodyTag = this.#vault.panToken(bodyDigest(message));
    const earlier = await this.#store.db
      .selectFrom('switch_offers')
      .select(['body_tag', 'answer'])
      .where('serial', '=', key)
      .where('stan', '=', stan)
      .where('local_time', '=', localTime)
      .executeTakeFirst();
    const bound = earlier === undefined ? this.#bound.count(key, this.#world.clock.monotonicMs()) : 'within';
    if (earlier !== undefined || bound !== 'within') {
      await this.#journal.write((_tx, commit) => {
        if (ksn) commit.counter(ksn, now);
        return Promise.resolve();
      });
      if (bound === 'first') this.#alarm({ place: key, serial, fault: fail('SWITCH_RATE_LOOK_UPS_TOO_MANY').fault });
      if (earlier === undefined) return say('123');
      return earlier.body_tag === bodyTag ? earlier.answer : this.#differs(asking, stan, say);
    }
    const { contracts, rates } = this.#rules;
    const allowed = route ? contracts.of({ ...route, merchant: text(42) ?? '' }).dccCurrencies : [];
    const asked = { digits: leadingDigits(pan), cardSays: text(51), amountMinor, allowed };
    const offer = forbidden ?? offerFor(rates, asked, now);
    if ('actionCode' in offer) {
      await this.#journal.note('rate-not-offered', key, ksn, { stan, reason: offer.reason });
      return say(offer.actionCode);
    }
    const { conversion, markUpBasisPoints, until } = offer;
    const reference = toHex(this.#world.entropy(6)).toUpperCase();
    const answer = say('000', {
      ...conversionElements(conversion),
      62: formatOfferTerms({ reference, markUpBasisPoints, until }),
    });
    const row = {
      reference,
      serial: key,
      stan,
      local_time: localTime,
      body_tag: bodyTag,
      at: now,
      until,
      pan_token: this.#vault.panToken(pan),
      amount_minor: amountMinor,
      own_minor: conversion.amountMinor,
      own_currency: conversion.currency,
      rate: conversion.rate,
      mark_up: markUpBasisPoints,
      rates_version: rates.version,
      answer,
    };
    const kept = await this.#journal.write(async (tx, commit) => {
      if (ksn) commit.counter(ksn, now);
      const known = await tx
        .selectFrom('switch_offers')
        .select(['body_tag', 'answer'])
        .where('serial', '=', key)
        .where('stan', '=', stan)
        .where('local_time', '=', localTime)
        .executeTakeFirst();
      if (known) return known;
      await tx
        .deleteFrom('switch_offers')
        .where('until', '<', now - keptMs)
        .execute();
      await tx.insertInto('switch_offers').values(row).execute();
      this.#journal.entry(commit, 'rate-offered', undefined, key, {
        stan,
        reference,
        amountMinor,
        ownMinor: conversion.amountMinor,
        ownCurrency: conversion.currency,
        rate: conversion.rate,
        markUp: markUpBasisPoints,
        ratesVersion: rates.version,
      });
      return row;
    });
    return kept.body_tag === row.body_tag ? kept.answer : this.#differs(asking, stan, say);
  }

  /** One key, another body. */
  #differs({ key, serial }: Asking, stan: string, say: (actionCode: string) => Uint8Array): Uint8Array {
    const { fault } = fail('SWITCH_DUPLICATE_DIFFERS', { facts: { stan } });
    this.#alarm({ place: key, serial, fault });
    return say('913');
  }

  /**
   * Whether a sale or refund may be in the currency that it says, and what it counts for there; undefined: it may. It is judged and written in the commit that
   * stores the sale, so that an offer is used once, and two refunds cannot both find the same money.
   */
  async judge(commit: Commit, row: SaleRow, { conversion, reference }: Said): Promise<DccRefusal | undefined> {
    if (row.kind === 'refund' || row.kind === 'completion') return await this.#judgeFollowing(commit, row, conversion);
    if (conversion === undefined) return undefined;
    const tx = await commit.direct();
    const offer =
      reference === undefined || (row.kind !== 'sale' && row.kind !== 'authorisation')
        ? undefined
        : await tx.selectFrom('switch_offers').selectAll().where('reference', '=', reference).executeTakeFirst();
    const used =
      offer &&
      (await tx
        .selectFrom('switch_conversions')
        .select('sale_id')
        .where('offer', '=', offer.reference)
        .executeTakeFirst());
    const refusal = judgeClaim(
      { serial: row.serial, panToken: row.pan_token, amountMinor: row.amount_minor, conversion },
      offer && {
        serial: offer.serial,
        panToken: offer.pan_token,
        amountMinor: offer.amount_minor,
        until: offer.until,
        conversion: { currency: offer.own_currency, amountMinor: offer.own_minor, rate: offer.rate },
      },
      used !== undefined,
      row.received_at,
    );
    if (refusal || !offer) return refusal;
    await this.#keep(tx, {
      sale_id: row.id,
      offer: offer.reference,
      own_minor: conversion.amountMinor,
      own_currency: conversion.currency,
      rate: conversion.rate,
      mark_up: offer.mark_up,
      rates_version: offer.rates_version,
    });
    return undefined;
  }

  /** What a sale that came lately is in the cardholder's currency. */
  lately(saleId: string): OwnCurrency | undefined {
    return this.#lately.get(saleId);
  }

  async #keep(tx: Transaction<Database>, conversion: Insertable<SwitchDccTables['switch_conversions']>): Promise<void> {
    await tx.insertInto('switch_conversions').values(conversion).execute();
    for (const oldest of this.#lately.keys())
      if (this.#lately.size >= latelyMax) this.#lately.delete(oldest);
      else break;
    this.#lately.set(conversion.sale_id, ownCurrencyOf(conversion));
  }

  /** Judges a refund or a completion at the rate of the sale that it follows, and keeps it. */
  async #judgeFollowing(commit: Commit, row: SaleRow, said: Conversion | undefined): Promise<DccRefusal | undefined> {
    if (row.original_id === null) return undefined;
    const tx = await commit.direct();
    const original = await conversionOf(tx, row.original_id);
    const rate = original && { currency: original.own_currency, rate: original.rate };
    const refusal =
      row.kind === 'refund'
        ? judgeRefund(row.amount_minor, said, rate, original ? await givenBack(tx, row.original_id) : nothing)
        : judgeCompletion(row.amount_minor, said, rate);
    if (refusal || !original || !said) return refusal;
    await this.#keep(tx, { ...original, sale_id: row.id, offer: null, own_minor: said.amountMinor });
    return undefined;
  }
}

/** What a sale was converted at; undefined for one in yen. */
const conversionOf = (
  tx: Transaction<Database>,
  saleId: string,
): Promise<Selectable<SwitchDccTables['switch_conversions']> | undefined> =>
  tx.selectFrom('switch_conversions').selectAll().where('sale_id', '=', saleId).executeTakeFirst();

/** Nothing was given back. */
const nothing: GivenBack = { amountMinor: 0, ownMinor: 0 };

/** What was given back of a sale before, and stands. */
async function givenBack(tx: Transaction<Database>, saleId: string): Promise<GivenBack> {
  const before = await tx
    .selectFrom('switch_sales')
    .leftJoin('switch_conversions', 'switch_conversions.sale_id', 'switch_sales.id')
    .select((all) => [
      all.fn.sum<number | null>('amount_minor').as('minor'),
      all.fn.sum<number | null>('own_minor').as('ownMinor'),
    ])
    .where('original_id', '=', saleId)
    .where('kind', '=', 'refund')
    .where('state', 'in', [...standing])
    .executeTakeFirst();
  return { amountMinor: Number(before?.minor ?? 0), ownMinor: Number(before?.ownMinor ?? 0) };
}
