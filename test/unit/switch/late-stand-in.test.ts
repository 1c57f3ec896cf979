import { unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';
import { noonInJapan } from '../../noon.ts';
import { openSmallHouse, quickLink, until } from './small-house.ts';

test('an advice of an approval in the place of an issuer that is answered after it was given up is over: taken once, nothing waits, the day agrees', async () => {
  const { storeAndForward } = quickLink.profile.timers;
  const timers = {
    ...quickLink.profile.timers,
    storeAndForward: { ...storeAndForward, firstMs: 20, factor: 1, maxMs: 20, manualAfter: 2 },
  };
  let isLost = false;
  const house = await openSmallHouse(undefined, {
    switchClock: noonInJapan(),
    isLost: () => isLost,
    links: [{ ...quickLink, profile: { ...quickLink.profile, timers } }],
  });
  try {
    const { rules, standIn, operator } = house.sw;
    const issuer = {
      link: quickLink.id,
      saleMaxMinor: 10_000,
      cardDay: { minor: 50_000, count: 50 },
      issuerDayMinor: 100_000,
    };
    const { version } = unwrap(await rules.view('stand-in'));
    unwrap(await rules.change('stand-in', version, { issuers: [issuer] }, 'test', 'person/1'));
    await house.stopCardCompany();
    await until(() => house.sw.links()[0]?.state === 'down');
    const terminal = await house.terminal('CT5100-0001');
    expect((await terminal.ask(terminal.sale('visa-contact', 7_004))).text(39)).toBe('000');
    isLost = true;
    await house.startCardCompany();
    // Its answers come when all attempts are over, on the line that they were asked on.
    const { ledger } = house;
    const append = ledger.append.bind(ledger);
    let answer = (): void => undefined;
    const mended = new Promise<void>((resolve) => {
      answer = resolve;
    });
    ledger.append = async (entry) => {
      await mended;
      return append(entry);
    };
    const dead = async () => unwrap(await operator.advices(true, { limit: 10 })).items.length;
    await until(async () => (await dead()) === 1);
    const states = async () => (await standIn.list(10, undefined, undefined)).map(({ state }) => state);
    expect(await states()).toEqual(['advising']);
    expect(house.ledger.takenMinor).toBe(0);
    isLost = false;
    answer();
    await until(async () => (await dead()) === 0);
    expect(await states()).toEqual(['taken']);
    expect(house.ledger.takenMinor).toBe(7_004);
    const [kept] = unwrap(await operator.transactions({ amount: 7_004 }, { limit: 1 })).items;
    const { postings } = unwrap(await operator.transaction(kept?.id ?? ''));
    expect(postings.map(({ side, kind }) => `${side} ${kind}`).toSorted()).toEqual(['acquirer taken', 'issuer taken']);
    expect(unwrap(await operator.reconcile(quickLink.id, undefined, false, 'test'))).toMatchObject({
      result: 'balanced',
    });
    terminal.close();
  } finally {
    await house.close();
  }
});
