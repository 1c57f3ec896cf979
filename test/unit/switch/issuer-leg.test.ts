import type { Link } from '@tsunagu/protocols/acquiring';
import type { MessageCodec } from '@tsunagu/protocols/iso8583';
import { unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';
import { openSmallHouse, quickLink, type SmallHouse, until } from './small-house.ts';

/** A link on which writing some messages throws, as a fault of ours would. */
function faulty(encode: (mti: string) => boolean, profile: Partial<Link['profile']> = {}): Link {
  const { codec } = quickLink;
  const bad: MessageCodec = {
    dialect: codec.dialect,
    element: (number) => codec.element(number),
    decode: (bytes) => codec.decode(bytes),
    encode: (message) => {
      if (encode(message.mti)) throw new Error('a fault of ours');
      return codec.encode(message);
    },
  };
  return { ...quickLink, codec: bad, profile: { ...quickLink.profile, ...profile } };
}

async function told(house: SmallHouse, amountMinor: number) {
  const { operator } = house.sw;
  const [sale] = unwrap(await operator.transactions({ amount: amountMinor }, { limit: 1 })).items;
  const { entries, state } = unwrap(await operator.transaction(sale?.id ?? ''));
  return { state, entries: entries.map(({ entry }) => entry) };
}

test('a sale that cannot be written once its intent is durable never left: it is declined, an alarm is raised, and nothing is reversed', async () => {
  let written = 0;
  const isFaulty = (mti: string): boolean => mti === '1200' && (written += 1) === 1;
  const house = await openSmallHouse(undefined, { links: [faulty(isFaulty)] });
  try {
    const terminal = await house.terminal('CT5100-0001');
    await until(() => house.sw.links()[0]?.state === 'signed-on');
    expect((await terminal.ask(terminal.sale('visa-contact', 1_100))).text(39)).toBe('909');
    expect(house.alarms).toMatchObject([{ place: quickLink.id, fault: { code: 'SWITCH_NOT_SENT' } }]);
    expect(await told(house, 1_100)).toEqual({ state: 'declined', entries: ['received', 'send-intended', 'not-sent'] });
    expect(house.sw.reversalsQueued).toBe(0);
    // The next one goes as ever, and the line is the same.
    expect((await terminal.ask(terminal.sale('visa-contact', 1_200))).text(39)).toBe('000');
    expect(house.ledger.takenMinor).toBe(1_200);
    expect(house.logs.join()).not.toContain('journalFailed');
    terminal.close();
  } finally {
    await house.close();
  }
});

test('a fault of ours after a sale went out leaves its outcome unknown: whoever asked hears 911, an alarm is raised, and it is reversed', async () => {
  const codes = {
    ...quickLink.profile.codes,
    actions: { '001': { en: 'Taken', ja: '承認', standsFor: '000' } },
  } as const;
  // An answer in the words of the counter-party is written anew in ours.
  const house = await openSmallHouse(undefined, {
    links: [faulty((mti) => mti === '1210', { codes })],
    cardCompany: { link: { ...quickLink, profile: { ...quickLink.profile, codes } } },
  });
  try {
    const terminal = await house.terminal('CT5100-0001');
    await until(() => house.sw.links()[0]?.state === 'signed-on');
    expect((await terminal.ask(terminal.sale('visa-contact', 1_100))).text(39)).toBe('911');
    expect(house.alarms).toMatchObject([{ place: quickLink.id, fault: { code: 'SWITCH_OUTCOME_UNKNOWN' } }]);
    await until(() => house.sw.reversalsQueued === 0);
    expect(house.ledger.takenMinor).toBe(0);
    expect((await told(house, 1_100)).state).toBe('reversed');
    expect(house.logs.join()).not.toContain('journalFailed');
    terminal.close();
  } finally {
    await house.close();
  }
});

test('an approval that cannot be told to whoever asked is taken back at once, with an alarm', async () => {
  const { codec } = quickLink;
  const strange: MessageCodec = {
    ...codec,
    decode(bytes) {
      const decoded = codec.decode(bytes);
      // No terminal can be told such a rate.
      if (decoded.ok && decoded.value.mti === '1210') Object.assign(decoded.value.fields, { 10: 'no rate' });
      return decoded;
    },
  };
  const house = await openSmallHouse(undefined, { links: [{ ...quickLink, codec: strange }] });
  try {
    const terminal = await house.terminal('CT5100-0001');
    await until(() => house.sw.links()[0]?.state === 'signed-on');
    expect((await terminal.ask(terminal.sale('visa-contact', 1_100))).text(39)).toBe('911');
    expect(house.alarms).toMatchObject([{ place: quickLink.id, fault: { code: 'SWITCH_OUTCOME_UNKNOWN' } }]);
    await until(() => house.sw.reversalsQueued === 0);
    expect(house.ledger.takenMinor).toBe(0);
    expect((await told(house, 1_100)).state).toBe('reversed');
    expect(house.logs.join()).not.toContain('journalFailed');
    terminal.close();
  } finally {
    await house.close();
  }
});

test('each answer of an issuer is told to the metrics by its link and action code, with how long it took', async () => {
  const told: [string, string, boolean][] = [];
  const house = await openSmallHouse(undefined, {
    links: [quickLink],
    metrics: { issuerAnswered: (link, code, ms) => told.push([link, code, ms > 0]) },
  });
  try {
    const terminal = await house.terminal('CT5100-0001');
    await until(() => house.sw.links()[0]?.state === 'signed-on');
    expect((await terminal.ask(terminal.sale('visa-contact', 1_100))).text(39)).toBe('000');
    const refused = (await terminal.ask(terminal.sale('visa-contact', 99_999_999))).text(39);
    expect(told).toEqual([
      [quickLink.id, '000', true],
      [quickLink.id, refused, true],
    ]);
    expect(refused).not.toBe('000');
    terminal.close();
  } finally {
    await house.close();
  }
});
