import { businessDay } from '@tsunagu/protocols/acquiring';
import { unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';
import { noonInJapan } from '../../noon.ts';
import { openSmallHouse, quickLink as quick, until } from './small-house.ts';

const switchClock = noonInJapan();

test('a sale whose answer was lost, and that was reversed, counts on both sides of a day, which then agrees and closes', async () => {
  let isLost = true;
  const house = await openSmallHouse(undefined, {
    switchClock,
    links: [quick],
    cardCompany: { faults: { rates: { drop: 1 }, lateMs: 1, dripMs: 1 }, nextFault: () => (isLost ? 0 : 1) },
    isLost: () => isLost,
  });
  try {
    const { operator } = house.sw;
    const terminal = await house.terminal('CT5100-0001');
    await until(() => house.sw.links()[0]?.state === 'signed-on');
    // The issuer takes it, and nobody hears of it. What the issuer never gets is in neither book.
    const lost = await terminal.ask(terminal.sale('visa-contact', 1_100));
    expect(lost.text(39)).toBe('911');
    isLost = false;
    expect((await terminal.ask(terminal.sale('jcb-contact', 2_200))).text(39)).toBe('000');
    await until(() => house.sw.reversalsQueued === 0);
    expect(house.ledger.takenMinor).toBe(2_200);
    const compare = async () => unwrap(await operator.reconcile(quick.id, undefined, false, 'test'));
    const first = await compare();
    expect(first).toMatchObject({
      result: 'balanced',
      differences: 0,
      ours: { debits: 2, debitsMinor: 3_300, debitReversals: 1, debitReversalsMinor: 1_100 },
    });
    expect(first.theirs).toEqual(first.ours);
    // Once: comparing again changes nothing.
    expect((await compare()).ours).toEqual(first.ours);
    const [sale] = unwrap(await operator.transactions({ amount: 1_100 }, { limit: 1 })).items;
    const { entries, postings, state } = unwrap(await operator.transaction(sale?.id ?? ''));
    expect(state).toBe('reversed');
    const told = entries.filter(({ entry }) => entry === 'issuer-counted');
    expect(told.map(({ facts }) => facts['kind'])).toEqual(['taken', 'given-back']);
    expect(postings.map(({ side, kind }) => `${side} ${kind}`)).toEqual(['issuer taken', 'issuer given-back']);
    terminal.close();
  } finally {
    await house.close();
  }
});

test('a reversal that an issuer acknowledged and never booked is a difference: its own item of the sale does not hide it', async () => {
  let isLost = true;
  const house = await openSmallHouse(undefined, {
    switchClock,
    links: [quick],
    cardCompany: { faults: { rates: { drop: 1 }, lateMs: 1, dripMs: 1 }, nextFault: () => (isLost ? 0 : 1) },
    isLost: () => isLost,
  });
  try {
    const { operator } = house.sw;
    const terminal = await house.terminal('CT5100-0001');
    await until(() => house.sw.links()[0]?.state === 'signed-on');
    const append = house.ledger.append.bind(house.ledger);
    house.ledger.append = (entry) => (entry.kind === 'reversal' ? Promise.resolve() : append(entry));
    expect((await terminal.ask(terminal.sale('visa-contact', 1_100))).text(39)).toBe('911');
    isLost = false;
    await until(() => house.sw.reversalsQueued === 0);
    // The cardholder has paid, whatever it said.
    expect(house.ledger.takenMinor).toBe(1_100);
    const day = businessDay(quick, switchClock.now());
    for (let times = 0; times < 2; times += 1)
      expect(unwrap(await operator.reconcile(quick.id, undefined, false, 'test'))).toMatchObject({
        result: 'unbalanced',
        differences: 1,
      });
    const [sale] = unwrap(await operator.transactions({ amount: 1_100 }, { limit: 1 })).items;
    expect(unwrap(await operator.differences(quick.id, day))).toMatchObject([
      { kind: 'debit-reversal', oursMinor: 1_100, theirsMinor: null, transaction: sale?.id },
    ]);
    terminal.close();
  } finally {
    await house.close();
  }
});

test('what an issuer has of a sale that it declined here stays a difference', async () => {
  const house = await openSmallHouse(undefined, { switchClock, links: [quick] });
  try {
    const terminal = await house.terminal('CT5100-0001');
    await until(() => house.sw.links()[0]?.state === 'signed-on');
    const declined = terminal.sale('visa-declined', 1_300);
    expect((await terminal.ask(declined)).text(39)).toBe('116');
    const [sale] = unwrap(await house.sw.operator.transactions({ amount: 1_300 }, { limit: 1 })).items;
    const day = businessDay(quick, switchClock.now());
    await house.ledger.append({
      kind: 'sale',
      what: 'sale',
      key: `${sale?.outStan ?? ''}/${String(declined.fields[12])}/1`,
      account: 'visa-declined',
      day,
      amountMinor: 1_300,
      actionCode: '000',
      approvalCode: 'A',
      emv: '',
    });
    expect(unwrap(await house.sw.operator.reconcile(quick.id, undefined, false, 'test'))).toMatchObject({
      result: 'unbalanced',
      differences: 1,
    });
    expect(unwrap(await house.sw.operator.differences(quick.id, day))).toMatchObject([
      { kind: 'debit', oursMinor: null, theirsMinor: 1_300, transaction: sale?.id },
    ]);
    terminal.close();
  } finally {
    await house.close();
  }
});
