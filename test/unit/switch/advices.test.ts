import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cardCompanyLink, type Link } from '@tsunagu/protocols/acquiring';
import { unwrap } from '@tsunagu/protocols/kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSmallHouse, issuerPatienceMs, type SmallHouse, type Terminal, until } from './small-house.ts';

// Two attempts, then a person has to look.
const storeAndForward = { firstMs: 20, factor: 1, maxMs: 20, manualAfter: 2, window: 2 };
const impatient: Link = {
  ...cardCompanyLink,
  profile: {
    ...cardCompanyLink.profile,
    timers: { ...cardCompanyLink.profile.timers, requestMs: issuerPatienceMs, storeAndForward },
  },
};
/** The card company answers no reversal. */
let isStuck = false;
let house: SmallHouse;
let terminal: Terminal;
beforeAll(async () => {
  house = await openSmallHouse(undefined, { links: [impatient], isLost: () => isStuck });
  terminal = await house.terminal('CT5100-0001');
});
afterAll(async () => {
  terminal?.close();
  await house?.close();
});

/** Its disk is full: the card company drops the line, and the switch signs on anew. */
const refused = (): Promise<never> => Promise.reject(new Error('disk full'));
/** Its disk does not answer: the line stays. */
const hung = (): Promise<never> => new Promise(() => undefined);

/** A sale whose reversal the card company cannot write down, and so never answers, until `mend`. */
async function stuck(amountMinor: number, written = refused) {
  const { ledger } = house;
  const append = ledger.append.bind(ledger);
  const sale = terminal.sale('visa-contact', amountMinor);
  expect((await terminal.ask(sale)).text(39)).toBe('000');
  isStuck = true;
  ledger.append = (entry) => (entry.kind === 'reversal' ? written() : append(entry));
  expect((await terminal.ask(terminal.reversal(sale))).text(39)).toBe('400');
  let id = '';
  await until(async () => {
    const dead = unwrap(await house.sw.operator.advices(true, { limit: 10 })).items;
    id = dead.find((advice) => advice.amountMinor === amountMinor)?.id ?? '';
    return id !== '';
  });
  expect((await house.sw.operator.figures()).links).toMatchObject([{ state: expect.any(String), queued: 0, dead: 1 }]);
  return {
    id,
    mend() {
      isStuck = false;
      ledger.append = append;
    },
  };
}
const stateOf = async (amount: number) =>
  unwrap(await house.sw.operator.transactions({ amount }, { limit: 1 })).items[0]?.state;

test('a reversal that an issuer never takes is put aside for a person, and is delivered when it is tried again', async () => {
  const before = house.ledger.takenMinor;
  const { id, mend } = await stuck(7_001);
  mend();
  expect(house.alarms.some(({ fault }) => fault.facts?.['advice'] === id)).toBe(true);
  // A line that signs on anew tries it too: whichever comes first.
  await house.sw.operator.retry(id, 'person/1');
  await until(async () => (await stateOf(7_001)) === 'reversed');
  expect(house.ledger.takenMinor).toBe(before);
  expect(await house.sw.operator.retry(id, 'person/1')).toMatchObject({ fault: { code: 'SWITCH_ADVICE_UNKNOWN' } });
});

test('one that a person settles is over, with their name and reason in the journal; nothing else can be settled', async () => {
  expect(await house.sw.operator.settle('nobody', 'person/1', 'because')).toMatchObject({
    fault: { code: 'SWITCH_ADVICE_UNKNOWN' },
  });
  const { id, mend } = await stuck(7_002);
  // A line that signs on anew tries it once more.
  await until(async () => (await house.sw.operator.settle(id, 'person/1', 'confirmed by telephone')).ok);
  mend();
  expect(await stateOf(7_002)).toBe('reversed');
  const [kept] = unwrap(await house.sw.operator.transactions({ amount: 7_002 }, { limit: 1 })).items;
  const { entries } = unwrap(await house.sw.operator.transaction(kept?.id ?? ''));
  expect(entries.find(({ entry }) => entry === 'advice-settled')?.facts).toMatchObject({
    by: 'person/1',
    reason: 'confirmed by telephone',
  });
  await until(() => house.sw.links()[0]?.state === 'signed-on');
});

test('one that is being sent at the moment cannot be settled, and one that is settled is not sent again', async () => {
  const { operator, links } = house.sw;
  await until(() => links()[0]?.state === 'signed-on');
  const { id, mend } = await stuck(7_004, hung);
  const before = house.ledger.takenMinor;
  await operator.retry(id, 'person/1');
  expect(await operator.settle(id, 'person/1', 'too early')).toMatchObject({
    fault: { code: 'SWITCH_ADVICE_UNDER_WAY' },
  });
  await until(async () => (await operator.settle(id, 'person/1', 'confirmed by telephone')).ok);
  mend();
  // Nothing of it is sent any more, whoever wants it: what comes after it has gone, and it has not.
  expect(await operator.retry(id, 'person/1')).toMatchObject({ fault: { code: 'SWITCH_ADVICE_UNKNOWN' } });
  expect((await terminal.ask(terminal.sale('visa-contact', 7_006))).text(39)).toBe('000');
  expect(house.ledger.takenMinor).toBe(before + 7_006);
});

test('an approval in the place of an issuer is no longer under way once a person settled its advice', async () => {
  const { rules, standIn, operator } = house.sw;
  const amountMinor = 7_003;
  const issuer = {
    link: cardCompanyLink.id,
    saleMaxMinor: 10_000,
    cardDay: { minor: 50_000, count: 50 },
    issuerDayMinor: 100_000,
  };
  const { version } = unwrap(await rules.view('stand-in'));
  unwrap(await rules.change('stand-in', version, { issuers: [issuer] }, 'test', 'person/1'));
  await house.stopCardCompany();
  await until(() => house.sw.links()[0]?.state === 'down');
  expect((await terminal.ask(terminal.sale('visa-contact', amountMinor))).text(39)).toBe('000');
  const states = async () => (await standIn.list(10, undefined, undefined)).map(({ state }) => state);
  expect(await states()).toEqual(['advising']);
  await house.startCardCompany();
  const { ledger } = house;
  const append = ledger.append.bind(ledger);
  ledger.append = refused;
  let id = '';
  await until(async () => {
    const dead = unwrap(await operator.advices(true, { limit: 10 })).items;
    id = dead.find((advice) => advice.amountMinor === amountMinor)?.id ?? '';
    return id !== '';
  });
  await until(async () => (await operator.settle(id, 'person/1', 'confirmed by telephone')).ok);
  expect(await states()).toEqual(['taken']);
  ledger.append = append;
});

test('a second switch on the same journal fences the first: what it cannot commit it does not send', async () => {
  // The card company may still read what came to it long ago: this sale has an amount of its own.
  const amountMinor = 7_005;
  const { beginEpoch } = await import('@tsunagu/fleet-server/switch/journal/epoch');
  await beginEpoch(house.store, Date.now());
  terminal.socket.write(terminal.frame(terminal.sale('visa-contact', amountMinor)));
  expect((await terminal.refusal()).code).toBe('SWITCH_JOURNAL_FAILED');
  const books = await readFile(join(house.folder, 'ledger.jsonl'), 'utf8');
  expect(books).toContain('"amountMinor":7004');
  expect(books).not.toContain(`"amountMinor":${amountMinor}`);
  expect(house.logs.some((line) => line.includes('journalFailed'))).toBe(true);
});
