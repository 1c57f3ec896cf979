import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { reconcileDay } from '@tsunagu/protocols/fleet';
import { Program } from '../../e2e/switch-programs.ts';
import { readCredentials } from '@tsunagu/fleet-server/card-company/credentials-file';
import { seeded } from '@tsunagu/fleet-server/emulation/seeded';
import { CentreBooks } from '@tsunagu/fleet-server/merchant-centre/books';
import { CentreLine } from '@tsunagu/fleet-server/merchant-centre/centre-line';
import { MerchantCentre } from '@tsunagu/fleet-server/merchant-centre/merchant-centre';
import { centreProfile } from '@tsunagu/fleet-server/merchant-centre/profile';
import { linkCredentialsPath } from '@tsunagu/fleet-server/switch/index';
import { businessDay, cardCompanyLink, type Link, type LinkText, parseLink } from '@tsunagu/protocols/acquiring';
import { type DecodedMessage, linkProfileNames, linkProfiles } from '@tsunagu/protocols/iso8583';
import { hex, Secret, unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { noonInJapan } from '../../noon.ts';
import { SmallCentre } from './small-centre.ts';
import { openSmallHouse, until } from './small-house.ts';

const switchClock = noonInJapan();
const pinBlock = { '52': { type: 'b', kind: 'fixed', maxLength: 16 } } as const;

/** Two links that nobody ships: another frame, dialect, MAC, MTI of network management, echo, timers and rule than any of ours. */
const bank = (session: LinkText['session'], mti: '1804' | '1820', hasMac = true): LinkText => ({
  id: cardCompanyLink.id,
  name: { en: 'Acme Bank', ja: 'アクメ銀行' },
  side: 'issuer',
  kind: 'credit',
  parties: { own: '39200099001', far: '39200088099' },
  profile: {
    name: 'acme-bank',
    title: { en: 'Acme Bank', ja: 'アクメ銀行' },
    dialect: 'iso93-ebcdic-hexbm',
    fieldOverrides: pinBlock,
    frame: { prefix: 'bcd2', inclusive: true, maxLengthBytes: 4_096 },
    ...(hasMac && { mac: { algorithm: 'TDES-CMAC', lengthBytes: 4 } }),
    echo: [3, 4, 7, 11, 12, 32, 37, 41, 42, 49],
    matchKeys: [11, 12, 37],
    networkManagement: { mti, echoSeconds: 5 },
    timers: { requestMs: 44_000 },
    reconciliation: { netRule: 'cancelled', outOfBalance: 'settle-theirs' },
    formatErrorElement: 38,
  },
  session,
  connections: 2,
});
const shops = (session: LinkText['session'], mti: '1804' | '1820'): LinkText => ({
  ...bank(session, mti),
  id: 'acme-centre-1',
  side: 'acquirer',
  kind: 'pos',
  parties: { own: '39200099001', far: '39200071001', acquirers: ['39200071001'] },
  profile: {
    name: 'acme-centre',
    title: { en: 'Acme shops', ja: 'アクメ店舗' },
    dialect: 'iso93-bcdR-binbm',
    fieldOverrides: pinBlock,
    frame: { prefix: 'ascii4', inclusive: true, maxLengthBytes: 4_096 },
    mac: { algorithm: 'ISO9797-1-ALG3', lengthBytes: 4 },
    echo: [3, 4, 7, 11, 12, 32, 37, 41, 42, 49],
    matchKeys: [11, 32, 41],
    networkManagement: { mti, echoSeconds: 7 },
    reconciliation: { netRule: 'cancelled' },
  },
});

/** Sales, cancellations and refunds of an emulated centre, through the switch to an emulated issuer; then both days are compared. */
async function sellsOver(issuer: Link, acquirer: Link): Promise<void> {
  const links = [issuer, acquirer];
  const house = await openSmallHouse(undefined, { switchClock, links, cardCompany: { link: issuer } });
  const credentials = unwrap(await readCredentials(linkCredentialsPath(house.folder, acquirer.id)));
  const world = { ...systemWorld(() => undefined), clock: switchClock };
  const line = new CentreLine(
    world,
    {
      host: '127.0.0.1',
      port: house.sw.centresPort ?? 0,
      credentials,
      acquirerId: '39200071001',
      link: acquirer,
      faults: { rates: {}, lateMs: 1, dripMs: 1 },
      nextFault: seeded(1),
    },
    Secret.take('key', hex(credentials.zoneKbpk)),
  );
  const profile = centreProfile.parse({
    name: 'test',
    ratePerSecond: 100,
    cards: { names: ['visa-contact'] },
    cancelled: 0.5,
    refunded: 0.5,
  });
  const books = new CentreBooks(world, join(house.folder, 'centre.jsonl'));
  const centre = new MerchantCentre(world, line, profile, '39200071001', seeded(2), books);
  try {
    await centre.run(30);
    const { asked, approved, unanswered, cancelled, refunded } = centre.counts();
    expect({ asked, approved, unanswered }).toEqual({ asked: 30, approved: 30, unanswered: 0 });
    expect(cancelled * refunded).toBeGreaterThan(0);
    // What was taken back is where the two rules of the net amount differ (DE97).
    expect(await centre.reconcile()).toMatchObject([{ actionCode: '500' }]);
    await until(() => house.sw.reversalsQueued === 0);
    const day = unwrap(await house.sw.operator.reconcile(issuer.id, undefined, false, 'test'));
    expect(day).toMatchObject({ result: 'balanced', theirs: { debitReversals: cancelled } });
  } finally {
    line.close();
    await house.close();
  }
}

/** Every way in which the two ends of a link may come together: who signs on, who makes the keys, what is enciphered, under which MTI. */
test.each([
  [{ signOn: 'ours', keys: 'ours' }, { signOn: 'theirs', keys: 'ours', encrypt: true }, '1820', true],
  [{ signOn: 'ours', keys: 'theirs', encrypt: true }, { signOn: 'ours', keys: 'ours' }, '1820', true],
  [{ signOn: 'theirs', keys: 'theirs' }, { signOn: 'theirs', keys: 'theirs', encrypt: true }, '1804', true],
  [{ signOn: 'theirs', keys: 'ours', encrypt: true }, { signOn: 'none', keys: 'ours' }, '1804', true],
  [{ signOn: 'none', keys: 'none' }, { signOn: 'none', keys: 'theirs' }, '1820', false],
] as const)(
  'a bank %j and a centre %j of link files work with the emulators at their ends, under %s',
  async (banks, centres, mti, hasMac) => {
    const links = [bank(banks, mti, hasMac), shops(centres, mti)].map((text) => unwrap(parseLink(text)));
    await sellsOver(...(links as [Link, Link]));
  },
);

test.each(linkProfileNames)(
  'links whose profile is the shipped %s work on either side as they stand',
  async (profile) => {
    const session = { keys: linkProfiles[profile].mac ? 'ours' : 'none' } as const;
    const links = [
      { ...bank(session, '1804'), profile },
      { ...shops({ ...session, signOn: 'theirs' }, '1804'), profile },
    ].map((text) => unwrap(parseLink(text)));
    await sellsOver(...(links as [Link, Link]));
  },
);

test('a counter-party whose answers repeat the card number gets it, and nothing of it is kept in the clear', async () => {
  const echo = [2, 3, 4, 7, 11, 12, 32, 35, 37, 41, 42, 49];
  const withCard = ({ profile, ...link }: LinkText): Link =>
    unwrap(parseLink({ ...link, profile: typeof profile === 'string' ? profile : { ...profile, echo } }));
  const [issuer, acquirer] = [withCard(bank({}, '1804')), withCard(shops({ signOn: 'theirs', encrypt: true }, '1804'))];
  const house = await openSmallHouse(undefined, { links: [issuer, acquirer], cardCompany: { link: issuer } });
  const centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, acquirer.id, acquirer);
  await until(() => house.sw.links().some(({ id, state }) => id === issuer.id && state === 'signed-on'));
  const repeated = (answer: DecodedMessage) => answer.secret(2)?.use((digits) => Buffer.from(digits).toString());
  const sale = centre.sale('visa-contact', 700);
  const pan = testCard('visa-contact').pan.use((digits) => Buffer.from(digits).toString());
  for (const asked of [sale, { ...sale, mti: '1201' }]) {
    const answer = await centre.ask(asked);
    expect([answer.text(39), repeated(answer)]).toEqual(['000', pan]);
  }
  const back = await centre.ask(centre.reversal(sale));
  expect([back.text(39), repeated(back)]).toEqual(['400', pan]);
  const terminal = await house.terminal('CT5100-0001');
  const told = await terminal.ask(terminal.sale('visa-contact', 700));
  expect([told.text(39), told.fields[2]]).toEqual(['000', undefined]);
  terminal.close();
  await centre.close();
  const kept = await house.everything();
  // As text, packed, in EBCDIC, and what each is in hex.
  const inEbcdic = Buffer.from(Buffer.from(pan).map((digit) => digit | 0xf0));
  for (const form of [Buffer.from(pan), Buffer.from(pan, 'hex'), inEbcdic])
    for (const bytes of [form, form.toString('hex'), form.toString('hex').toUpperCase()])
      expect(kept.includes(bytes)).toBe(false);
  await house.close();
});

test('a link that bears a MAC or is enciphered, and has no keys, is refused by name', () => {
  for (const text of [bank({ keys: 'none' }, '1804'), bank({ keys: 'none', encrypt: true }, '1804', false)])
    expect(parseLink(text)).toMatchObject({ ok: false, fault: { code: 'PROFILE_INVALID', field: 'session.keys' } });
  expect(parseLink(bank({ keys: 'none' }, '1804', false)).ok).toBe(true);
});

test('a centre without a line says how far it came, and stops at once when it is told to', async () => {
  const links = [bank({}, '1804'), shops({ signOn: 'theirs', keys: 'ours' }, '1804')].map((text) =>
    unwrap(parseLink(text)),
  );
  const [issuer, acquirer] = links as [Link, Link];
  const house = await openSmallHouse(undefined, { links, cardCompany: { link: issuer } });
  const credentials = unwrap(await readCredentials(linkCredentialsPath(house.folder, acquirer.id)));
  const port = house.sw.centresPort ?? 0;
  await house.close();
  const line = new CentreLine(
    systemWorld(() => undefined),
    {
      host: '127.0.0.1',
      port,
      credentials,
      acquirerId: '1',
      link: acquirer,
      faults: { rates: {}, lateMs: 1, dripMs: 1 },
      nextFault: seeded(1),
    },
    Secret.take('key', hex(credentials.zoneKbpk)),
  );
  const centre = new MerchantCentre(
    systemWorld(() => undefined),
    line,
    centreProfile.parse({ name: 'test' }),
    '1',
    seeded(2),
  );
  const ended = centre.run(1);
  await until(() => line.trouble?.reason === 'ECONNREFUSED');
  expect(line.trouble).toEqual({ stage: 'dialling', reason: 'ECONNREFUSED' });
  centre.stop();
  await ended;
  expect(centre.counts().asked).toBe(0);
  line.close();
});

test('an issuer and a centre of link files run alone out of their folder; a link that no file has is refused by name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'own-links-'));
  await mkdir(join(folder, 'links'));
  const text = { ...bank({ keys: 'theirs', encrypt: true }, '1820'), id: 'acme-bank-1' };
  await writeFile(join(folder, 'links', 'acme.json'), JSON.stringify(text));
  const link = ['--data', folder, '--link', 'acme-bank-1'];
  const issuer = new Program('issuer', [...link, '--alone', '--port', '0']);
  try {
    const { ports } = z.object({ ports: z.record(z.string(), z.number()) }).parse(await issuer.line('ready'));
    const centre = new Program('centre', [
      ...link,
      '--port',
      String(ports['acme-bank-1']),
      '--requests',
      '3',
      '--reconcile',
    ]);
    expect(await centre.line('reconciled')).toMatchObject({ actionCode: '500' });
    expect(await centre.line('ended')).toMatchObject({ asked: 3, approved: 3 });
    const nobody = new Program('issuer', ['--data', folder, '--link', 'nobody-1', '--alone', '--port', '0']);
    await expect(nobody.line('ready')).rejects.toThrow('LINK_UNKNOWN');
    await writeFile(join(folder, 'links', 'shops.json'), JSON.stringify(shops({ signOn: 'theirs' }, '1804')));
    const shop = new Program('issuer', ['--data', folder, '--link', 'acme-centre-1', '--alone', '--port', '0']);
    await expect(shop.line('ready')).rejects.toThrow('LINK_OTHER_SIDE');
    await writeFile(join(folder, 'links', 'bad.json'), JSON.stringify({ ...text, id: 'bad-bank-1', side: 'left' }));
    for (const who of ['issuer', 'centre'] as const) {
      const bad = new Program(who, ['--data', folder, '--link', 'bad-bank-1', '--port', '0']);
      await expect(bad.line('ready')).rejects.toThrow(/LINK_FILE_INVALID.*"file":"bad\.json","field":"side"/);
    }
    const alone = new Program('centre', ['--data', join(folder, 'empty'), '--requests', '1']);
    await expect(alone.line('ready')).rejects.toThrow('EMULATOR_CREDENTIALS_MISSING');
  } finally {
    await issuer.kill();
    await rm(folder, { recursive: true, force: true });
  }
});

test('a day that no calendar has is not compared', () => {
  for (const day of ['991340', '261131', '270229', '000000'])
    expect(reconcileDay.safeParse({ link: 'a', day }).success).toBe(false);
  for (const day of ['261130', '280229']) expect(reconcileDay.safeParse({ link: 'a', day }).success).toBe(true);
});

test('an issuer that says that a day is in balance, and tells other totals, is not believed; one that compared nothing settles nothing', async () => {
  const ours = unwrap(parseLink({ ...bank({}, '1804'), profile: cardCompanyLink.profile }));
  const { codes, reconciliation } = ours.profile;
  const untrue = { en: 'In balance', ja: '一致', outcome: 'accepted', standsFor: '501' } as const;
  const lying = { ...ours, profile: { ...ours.profile, codes: { ...codes, actions: { '500': untrue } } } };
  const other = {
    ...ours,
    profile: { ...ours.profile, reconciliation: { ...reconciliation, netRule: 'cancelled' } },
  } as const;
  for (const [link, kept] of [
    [lying, { ok: true, value: { result: 'unbalanced', differences: 1 } }],
    [other, { ok: false, fault: { code: 'ISSUER_DAY_REFUSED', facts: { actionCode: '904' } } }],
  ] as const) {
    const house = await openSmallHouse(undefined, { switchClock, links: [ours], cardCompany: { link } });
    try {
      const terminal = await house.terminal('CT5100-0001');
      const sold = terminal.sale('visa-contact', 1_000);
      expect((await terminal.ask(sold)).text(39)).toBe('000');
      expect((await terminal.ask(terminal.reversal(sold))).text(39)).toBe('400');
      await until(() => house.sw.reversalsQueued === 0);
      const day = businessDay(ours, switchClock.now());
      const record = {
        kind: 'sale',
        what: 'sale',
        account: 'visa-contact',
        actionCode: '000',
        approvalCode: '123456',
        emv: '',
      } as const;
      await house.ledger.append({ ...record, day, key: `999001/${day}000000/1`, amountMinor: 777 });
      expect(await house.sw.operator.reconcile(ours.id, undefined, false, 'test')).toMatchObject(kept);
      terminal.close();
    } finally {
      await house.close();
    }
  }
});

test('a PIN over a link that carries none is 115 and an alarm, and nothing is sent; sales without go on', async () => {
  const { codec: _codec, frame: _frame, ...own } = cardCompanyLink;
  for (const [profile, keys] of [
    [linkProfiles['cardnet-like'], 'ours'],
    [own.profile, 'theirs'],
  ] as const) {
    const link = unwrap(parseLink({ ...own, profile, session: { ...own.session, keys } }));
    const house = await openSmallHouse(undefined, { links: [link], cardCompany: { link } });
    try {
      const terminal = await house.terminal('CT5100-0001');
      const ksn = terminal.ksn();
      terminal.socket.write(terminal.frame(terminal.withPin(terminal.sale('visa-contact', 700), '1234', ksn), ksn));
      expect((await terminal.answer()).text(39)).toBe('115');
      expect(house.alarms).toMatchObject([{ place: link.id, fault: { code: 'LINK_WITHOUT_PINS' } }]);
      expect((await terminal.ask(terminal.sale('visa-contact', 800))).text(39)).toBe('000');
      expect([house.ledger.takenMinor, house.sw.reversalsQueued]).toEqual([800, 0]);
      terminal.close();
    } finally {
      await house.close();
    }
  }
});

test('the link file that the README of the switch shows is one', async () => {
  const readme = await readFile(new URL('../../../fleet-server/src/switch/README.md', import.meta.url), 'utf8');
  const [, shown] = /<<'JSON'\n(.+?)\nJSON\n/s.exec(readme) ?? [];
  const read = parseLink(JSON.parse(shown ?? ''));
  expect(read.ok ? read.value.id : read.fault).toBe('acme-bank-1');
});
