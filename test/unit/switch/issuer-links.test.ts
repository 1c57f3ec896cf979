import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { openDoorway } from '@tsunagu/fleet-server/card-company/doorway';
import { Ledger } from '@tsunagu/fleet-server/card-company/ledger';
import { linkCredentials, linkCredentialsPath } from '@tsunagu/fleet-server/switch/index';
import { defaultRoutingTable } from '@tsunagu/fleet-server/switch/routing/default-table';
import { cardCompanyLink, houseIssuers, issuerPort, linkKinds } from '@tsunagu/protocols/acquiring';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { openSmallHouse, type Terminal, until } from './small-house.ts';

test('a house has an issuer link of every kind, no two alike, each on a port of its own, and its table sends each scheme there', () => {
  expect(houseIssuers.map(({ kind }) => kind)).toEqual([...linkKinds.issuer]);
  const says = houseIssuers.map(({ profile: { dialect, frame, mac } }) => JSON.stringify([dialect, frame, mac]));
  expect(new Set(says).size).toBeGreaterThanOrEqual(houseIssuers.length - 1);
  expect(new Set(houseIssuers.map(({ id }) => issuerPort(8_880, id))).size).toBe(houseIssuers.length);
  const links = houseIssuers.map(({ id }) => id);
  const linkOf = (prefix: string, of = links) =>
    defaultRoutingTable(of).routes.find((route) => route.prefix === prefix)?.link;
  expect(['4', '62', '939202', '939201', '939203'].map((prefix) => linkOf(prefix))).toEqual([
    'card-company-1',
    'unionpay-1',
    'j-debit-1',
    'gift-1',
    'points-1',
  ]);
  // A house without that link has its cards taken where everything was before.
  expect(linkOf('62', ['card-company-1'])).toBe('card-company-1');
});

test.each(houseIssuers.map((link) => [link.id, link] as const))(
  'over the profile of %s the switch signs on, sells, tells wrong PINs, takes back and changes keys',
  async (_id, text) => {
    // As the one link of a small house.
    const link = { ...text, id: cardCompanyLink.id };
    const { codec } = link;
    const methods: (string | undefined)[] = [];
    const tap = {
      message(_line: string, direction: string, bytes: Uint8Array) {
        const heard = codec.decode(Uint8Array.from(bytes));
        if (direction === 'in' && heard.ok && heard.value.mti === '1200') methods.push(heard.value.text(48));
      },
      close: () => undefined,
    };
    const house = await openSmallHouse(undefined, { links: [link], cardCompany: { link, tap } });
    try {
      await until(() => house.sw.links()[0]?.state === 'signed-on');
      const terminal = await house.terminal('CT5100-0001');
      const withPin = async (of: Terminal, pin: string) => {
        const ksn = of.ksn();
        of.socket.write(of.frame(of.withPin(of.sale('visa-contact', 700), pin, ksn), ksn));
        return (await of.answer()).text(39);
      };
      expect(await withPin(terminal, '1234')).toBe('000');
      // UnionPay's own code for it is another one; whoever asked hears that of the standard.
      expect(await withPin(terminal, '9999')).toBe('117');
      const sale = terminal.sale('visa-contact', 900);
      expect((await terminal.ask(sale)).text(39)).toBe('000');
      expect((await terminal.ask(terminal.reversal(sale))).text(39)).toBe('400');
      await until(() => house.logs.some((line) => line.includes('saleReversed')));
      await house.sw.operator.order(link.id, 'change-key', 'test');
      await house.sw.operator.order(link.id, 'echo', 'test');
      expect((await terminal.ask(terminal.sale('visa-contact', 800))).text(39)).toBe('000');
      expect(house.ledger.takenMinor).toBe(1_500);
      // How it is paid, as the dialect of the link writes it.
      const paid = terminal.sale('visa-contact', 3_000);
      const inInstalments = { ...paid, fields: { ...paid.fields, 48: 'JP6103000' } };
      expect((await terminal.ask(inInstalments)).text(39)).toBe('000');
      expect(methods.slice(-2)).toEqual([undefined, 'JP6103000']);
      // The operator sees it, and of one that the contract does not have, what was wrong with it.
      const unagreed = terminal.sale('visa-contact', 3_000);
      expect((await terminal.ask({ ...unagreed, fields: { ...unagreed.fields, 48: 'JP6104000' } })).text(39)).toBe(
        '119',
      );
      const { items } = unwrap(await house.sw.operator.transactions({ amount: 3_000 }, { limit: 5 }));
      expect(items.map(({ method }) => method)).toEqual([
        { code: '61', instalments: 4 },
        { code: '61', instalments: 3 },
      ]);
      const refused = unwrap(await house.sw.operator.transaction(items[0]?.id ?? ''));
      expect(refused).toMatchObject({ state: 'refused', method: { instalments: 4 } });
      expect(refused.entries.map(({ facts }) => facts['contract'])).toContain('instalments');
      const [atOnce] = unwrap(await house.sw.operator.transactions({ amount: 800 }, { limit: 1 })).items;
      expect(atOnce).not.toHaveProperty('method');
      terminal.close();
    } finally {
      await house.close();
    }
  },
);

test('an issuer that is out of order listens to nobody, and comes back on its port with its books', async () => {
  const house = await openSmallHouse();
  try {
    await house.stopCardCompany();
    const path = linkCredentialsPath(house.folder);
    const first = linkCredentials.parse(JSON.parse(await readFile(path, 'utf8')));
    const ledger = unwrap(await Ledger.open(join(house.folder, 'ledger.jsonl')));
    let isOut = false;
    const door = unwrap(
      await openDoorway(
        systemWorld(() => undefined),
        { host: '127.0.0.1', port: house.cardCompanyPort(), ledger, delayMs: () => 0 },
        { path, first },
        () => Promise.resolve(isOut),
      ),
    );
    const isOpen = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(door.port, '127.0.0.1', () => resolve(true));
        socket.once('error', () => resolve(false)).once('close', () => socket.destroy());
        setTimeout(() => socket.end(), 50);
      });
    const terminal = await house.terminal('CT5100-0001');
    await until(() => house.sw.links()[0]?.state === 'signed-on');
    expect((await terminal.ask(terminal.sale('visa-contact', 500))).text(39)).toBe('000');
    isOut = true;
    await until(() => house.sw.links()[0]?.state === 'down');
    expect(await isOpen()).toBe(false);
    expect((await terminal.ask(terminal.sale('visa-contact', 501))).text(39)).toBe('912');
    isOut = false;
    await until(() => house.sw.links()[0]?.state === 'signed-on');
    expect((await terminal.ask(terminal.sale('visa-contact', 502))).text(39)).toBe('000');
    expect(ledger.takenMinor).toBe(1_002);
    terminal.close();
    await door.close();
  } finally {
    await house.close();
  }
});
