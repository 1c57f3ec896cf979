import type { Store } from '@tsunagu/fleet-server/store/index';
import { beginEpoch } from '@tsunagu/fleet-server/switch/journal/epoch';
import { conversionElements, readConversion, readOfferTerms } from '@tsunagu/protocols/acquiring';
import type { Message } from '@tsunagu/protocols/iso8583';
import { unwrap } from '@tsunagu/protocols/kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SmallCentre } from '../unit/switch/small-centre.ts';
import { openSmallHouse, type SmallHouse, until } from '../unit/switch/small-house.ts';
import { centreLink, fileOf, zoneOf } from '../unit/switch/validity-files.ts';

/** A place for the tables of the switch, with the schema up to date. */
export interface JournalUnderTest {
  readonly name: string;
  open(): Promise<Store>;
}

/** What the switch keeps, and finds again, whatever database is behind it: a centre and an issuer on real lines around it. */
export function switchJournalContract(subject: JournalUnderTest): void {
  describe(`the switch's journal on ${subject.name}`, () => {
    let store: Store;
    let house: SmallHouse;
    let centre: SmallCentre;

    beforeAll(async () => {
      store = await subject.open();
      house = await openSmallHouse(undefined, { switchStore: store });
      centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'ec-centre-1');
    });
    afterAll(async () => {
      await centre?.close();
      await house?.close();
      await store?.close();
    });

    const codeOf = async (message: Parameters<SmallCentre['ask']>[0]) => (await centre.ask(message)).text(39);
    const found = async (amount: number) =>
      unwrap(await house.sw.operator.transactions({ amount }, { limit: 10 })).items.map(({ state }) => state);
    const postings = (amount: number) =>
      store.db
        .selectFrom('switch_postings')
        .select(['side', 'kind'])
        .where('amount_minor', '=', amount)
        .orderBy('seq')
        .execute();

    it('keeps a sale, its answer and its postings, one on each side', async () => {
      expect(await codeOf(centre.sale('visa-contact', 7_001))).toBe('000');
      expect(await found(7_001)).toEqual(['approved']);
      expect(await postings(7_001)).toEqual([
        { side: 'acquirer', kind: 'taken' },
        { side: 'issuer', kind: 'taken' },
      ]);
    });

    it('finds the stored answer of a repeat, and tells another request under its number', async () => {
      const sale = centre.sale('visa-contact', 7_002);
      const first = await centre.ask(sale);
      const again = await centre.ask({ ...sale, mti: '1201' });
      expect([again.text(38), again.text(39)]).toEqual([first.text(38), '000']);
      const other = { ...sale, fields: { ...sale.fields, 4: '000000007003' } };
      expect(await codeOf(other)).toBe('913');
      expect(await found(7_003)).toEqual([]);
      expect(await postings(7_002)).toHaveLength(2);
    });

    it('keeps what it offered in the currency of a card, gives it once and the same again, and finds it with the sale', async () => {
      const terminal = await house.terminal('CT5100-0001');
      const { version } = unwrap(await house.sw.rules.view('rates'));
      const rates = { source: 'a test', at: new Date().toISOString(), markUpBasisPoints: 0 };
      unwrap(
        await house.sw.rules.change(
          'rates',
          version,
          // So that the amount is above what 32 bits hold.
          { ...rates, rates: [{ currency: '840', yen: '0.01' }], cards: [{ prefix: '47617390011', currency: '840' }] },
          'a test',
          'tester',
        ),
      );
      const amountMinor = 3_000_000;
      const sale = terminal.sale('visa-usd', amountMinor);
      const { 2: pan, 7: at, 12: time, 22: pos, 41: id, 42: merchant } = sale.fields;
      if (pan === undefined || at === undefined || time === undefined || pos === undefined) throw new Error('a sale');
      const asked = {
        mti: '1100',
        fields: {
          2: pan,
          3: '390000',
          4: String(amountMinor).padStart(12, '0'),
          7: at,
          11: '700001',
          12: time,
          22: pos,
          24: '108',
          41: id ?? '',
          42: merchant ?? '',
          49: '392',
        },
      };
      const offered = await terminal.ask(asked);
      expect(offered.text(39)).toBe('000');
      const again = await terminal.ask({ ...asked, mti: '1101' });
      expect(again.text(62)).toBe(offered.text(62));
      const conversion = unwrap(readConversion((number) => offered.text(number)));
      const reference = readOfferTerms(offered.text(62))?.reference;
      expect(conversion).toMatchObject({ currency: '840', amountMinor: 30_000_000_000 });
      const claim = (message: Message): Message => ({
        mti: message.mti,
        fields: { ...message.fields, ...(conversion && conversionElements(conversion, reference)) },
      });
      expect((await terminal.ask(claim(sale))).text(39)).toBe('000');
      expect((await terminal.ask(claim(terminal.sale('visa-usd', amountMinor)))).text(39)).toBe('902');
      const { items } = unwrap(await house.sw.operator.transactions({ amount: amountMinor }, { limit: 10 }));
      expect(items.find(({ state }) => state === 'approved')?.ownCurrency).toMatchObject({
        currency: 'USD',
        amountMinor: 30_000_000_000,
      });
      terminal.close();
    });

    it('keeps a file of validity checks until each card has its answer, and the cards no longer than that', async () => {
      const { validity } = house.sw;
      const asked = [
        ['V-1', '4761739001010010', '4912'],
        ['V-2', '9900000000000002', '4912'],
      ] as const;
      const text = fileOf(await zoneOf(house), 1, asked);
      const { id } = unwrap(await validity.handIn(centreLink, text, 'test'));
      await until(async () => unwrap(await validity.show(id)).state === 'done');
      expect(unwrap(await validity.show(id))).toMatchObject({ records: 2, waiting: 0, verdicts: { notJudged: 1 } });
      expect(unwrap(await validity.list({ limit: 1 })).items).toMatchObject([{ id, state: 'done', waiting: 0 }]);
      expect(unwrap(await validity.answers(id)).text.split('\n')).toHaveLength(5);
      const cards = await store.db.selectFrom('switch_validity_cards').select(['sequence', 'card']).execute();
      expect(cards.toSorted((one, other) => one.sequence - other.sequence)).toEqual([
        { sequence: 1, card: null },
        { sequence: 2, card: null },
      ]);
      expect(unwrap(await validity.handIn(centreLink, text, 'test')).id).toBe(id);
    });

    it('takes a sale back once, however often that is asked for', async () => {
      const sale = centre.sale('visa-contact', 7_004);
      await centre.ask(sale);
      const reversal = centre.reversal(sale);
      expect(await codeOf(reversal)).toBe('400');
      expect(await codeOf({ ...reversal, mti: '1421' })).toBe('400');
      await until(() => house.sw.reversalsQueued === 0);
      expect(await found(7_004)).toEqual(['reversed']);
      expect((await postings(7_004)).map(({ side, kind }) => `${side} ${kind}`).toSorted()).toEqual([
        'acquirer given-back',
        'acquirer taken',
        'issuer given-back',
        'issuer taken',
      ]);
    });

    it('lets a reversal win that came before its sale', async () => {
      const sale = centre.sale('visa-contact', 7_005);
      // Timeout waiting for the answer: a centre that knows no more than that its request went out.
      expect(await codeOf(centre.reversal(sale, '4021'))).toBe('400');
      expect(await codeOf(sale)).toBe('902');
      expect(await postings(7_005)).toEqual([]);
    });

    it('gives two hundred sales at once an outcome each, and each a number of its own towards the issuer', async () => {
      const codes = await Promise.all(Array.from({ length: 200 }, () => codeOf(centre.sale('visa-contact', 11))));
      expect(new Set(codes)).toEqual(new Set(['000']));
      const rows = await store.db
        .selectFrom('switch_sales')
        .select('out_stan')
        .where('amount_minor', '=', 11)
        .execute();
      expect(new Set(rows.map(({ out_stan }) => out_stan)).size).toBe(200);
      expect(await postings(11)).toHaveLength(400);
    });

    it('compares its day with the issuer, to the same totals', async () => {
      const day = unwrap(await house.sw.operator.reconcile('card-company-1', undefined, false, 'test'));
      expect(day).toMatchObject({ result: 'balanced', differences: 0 });
      expect(day.theirs).toEqual(day.ours);
    });

    it('answers 909 and sends nothing once another switch has begun an epoch', async () => {
      const before = house.ledger.takenMinor;
      await beginEpoch(store, Date.now());
      expect(await codeOf(centre.sale('visa-contact', 7_006))).toBe('909');
      expect(house.ledger.takenMinor).toBe(before);
      expect(await found(7_006)).toEqual([]);
    });
  });
}
