import { join } from 'node:path';
import { startTerminal, type Terminal } from '@tsunagu/firmware-bridge/agent/index';
import { openCardSide } from '@tsunagu/firmware-bridge/payment/index';
import { type CardCompany, openCardCompany } from '@tsunagu/fleet-server/card-company/card-company';
import { readCredentials } from '@tsunagu/fleet-server/card-company/credentials-file';
import { Ledger } from '@tsunagu/fleet-server/card-company/ledger';
import { negativeTagKey } from '@tsunagu/fleet-server/keys/index';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { linkCredentialsPath } from '@tsunagu/fleet-server/switch/index';
import { findPassphrase, openFileVault } from '@tsunagu/fleet-server/vault/index';
import { issuerLink } from '@tsunagu/protocols/acquiring';
import {
  type ClaimBundle,
  job,
  type Job,
  lifecycleView,
  portOf,
  registeredTerminal,
  serialSchema,
  swapView,
  terminalDetail,
} from '@tsunagu/protocols/fleet';
import { secretPan, unwrap } from '@tsunagu/protocols/kit';
import { hashTag } from '@tsunagu/protocols/negative';
import { type TestCardName, testCard } from '@tsunagu/protocols/test-cards';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withCheckDigit } from '../negative/lists.ts';
import { MemoryFiles } from '../unit/agent/memory-files.ts';
import { newFolder, removeFolder, secondOf, signedIn, type TestHouse, testHouse, until } from '../unit/core/support.ts';
import { freePortBase } from './house.ts';

// A real server with its switch, a card company on its line, and real terminals: what a list does is seen by cards at their readers.
const folder = newFolder();
let portBase = 0;
let house: TestHouse;
let company: CardCompany | undefined;
const terminals = new Map<string, { readonly terminal: Terminal; readonly files: MemoryFiles }>();

const numberOf = (card: TestCardName) => testCard(card).pan.use((digits) => Buffer.from(digits).toString('latin1'));
const detail = async (serial: string) => terminalDetail.parse((await house.call('GET', `/terminals/${serial}`)).body);
const current = async (...serials: readonly string[]) => {
  for (const serial of serials)
    await until(`the newest lists at ${serial}`, async () => (await detail(serial)).negative.current, 60_000);
};

async function startCompany(): Promise<CardCompany> {
  const opened = await openCardCompany(house.world, {
    host: '127.0.0.1',
    port: portOf(portBase, 'cardCompany'),
    credentials: unwrap(await readCredentials(linkCredentialsPath(folder))),
    ledger: Ledger.inMemory(),
    delayMs: () => 1,
  });
  return unwrap(opened);
}

/** The switch has dialled it, and signed on. */
const lineToCompany = () =>
  until(
    'the line to the card company',
    async () => {
      const asked = await company?.askFileAction({ function: 'inquire', pan: secretPan(numberOf('visa-contact')) });
      return asked?.ok === true;
    },
    60_000,
  );

async function register(serial: string, model: string, more: object = {}): Promise<ClaimBundle> {
  const place = { merchant: '喫茶つなぐ', shop: '本店', lane: '1' };
  return registeredTerminal.parse((await house.call('POST', '/terminals', { serial, model, place, ...more })).body)
    .claim;
}

async function switchOn(
  serial: string,
  files: MemoryFiles,
  relay?: NonNullable<Parameters<typeof startTerminal>[0]['relay']>,
): Promise<void> {
  const terminal = unwrap(await startTerminal({ world: house.world, files, openCardSide, ...(relay && { relay }) }));
  unwrap(await terminal.connected);
  terminals.set(serial, { terminal, files });
  await until(`the keys of ${serial}`, async () => (await detail(serial)).keys.length >= 2, 60_000);
  await current(serial);
}

async function sale(serial: string, card: TestCardName, amountMinor = 500): Promise<Job['sale']> {
  const { id } = job.parse((await house.call('POST', `/terminals/${serial}/test-sales`, { amountMinor, card })).body);
  const done = await until(
    `the sale at ${serial}`,
    async () => {
      const now = job.parse((await house.call('GET', `/jobs/${id}`)).body);
      return now.finishedAt !== null && now;
    },
    60_000,
  );
  return done.sale;
}
const listed = { outcome: 'refused', reason: 'CARD_LISTED' };

beforeAll(async () => {
  portBase = await freePortBase();
  house = await testHouse(folder, { portBase });
  company = await startCompany();
  await lineToCompany();
  const files = async (serial: string, model: string, more?: object) =>
    new MemoryFiles(new Map([['claim.json', Buffer.from(JSON.stringify(await register(serial, model, more)))]]));
  await switchOn('CT5100-0001', await files('CT5100-0001', 'CT-5100'));
}, 120_000);
afterAll(async () => {
  for (const { terminal } of [...terminals.values()].reverse()) await terminal.stop();
  await company?.close();
  await house?.house.close();
  removeFolder(folder);
});

it('a card company lists a card over its line (1304), the switch answers (1314), and a terminal refuses it until it comes off', async () => {
  const ask = async (action: Parameters<CardCompany['askFileAction']>[0]) =>
    unwrap((await company?.askFileAction(action)) ?? expect.fail('no card company'));
  const pan = () => secretPan(numberOf('visa-contact'));
  expect(await sale('CT5100-0001', 'visa-contact')).toMatchObject({ outcome: 'approved' });
  expect(await ask({ function: 'add', pan: pan(), reason: 'stolen' })).toMatchObject({ actionCode: '300' });
  await current('CT5100-0001');
  expect(await sale('CT5100-0001', 'visa-contact')).toMatchObject(listed);
  const explained = async () =>
    (await house.call('POST', '/negative/explanations', { pan: numberOf('visa-contact') })).body;
  expect(await explained()).toMatchObject({
    listed: true,
    entries: [{ source: issuerLink.id, reason: 'stolen' }],
    changes: [{ by: `link/${issuerLink.id}` }],
  });
  expect(await ask({ function: 'delete', pan: pan() })).toMatchObject({ actionCode: '300' });
  expect(await explained()).toMatchObject({ listed: false });
  await current('CT5100-0001');
  expect(await sale('CT5100-0001', 'visa-contact')).toMatchObject({ outcome: 'approved' });
}, 120_000);

it('a parent serves its children: the parts of a version cross the line to the server once, and the card is refused at each of them', async () => {
  const children = ['JTC07-0001', 'JTC07-0002'].map((serial) => serialSchema.parse(serial));
  const relayPort = portOf(portBase, 'relay');
  const parent = { host: '127.0.0.1', port: relayPort, children };
  const claims = new Map([['CT3100-0001', await register('CT3100-0001', 'CT-3100')]]);
  for (const serial of children)
    claims.set(serial, await register(serial, 'JT-C07', { parent: 'CT3100-0001', relayPort }));
  for (const [serial, claim] of claims)
    await switchOn(
      serial,
      new MemoryFiles(new Map([['claim.json', Buffer.from(JSON.stringify(claim))]])),
      serial === 'CT3100-0001' ? parent : undefined,
    );
  const text = `pan,reason\n${numberOf('visa-contact')},stolen\n`;
  const list = { source: 'issuer-a', mode: 'replace', text };
  const { version } = (await house.call('POST', '/negative/imports', list)).body as unknown as { version: number };
  await current(...claims.keys());
  for (const serial of children) {
    expect((await detail(serial)).negative.version).toBe(version);
    expect(await sale(serial, 'visa-contact')).toMatchObject(listed);
  }
  // What the parent has kept for them: the way to the version, by name.
  const kept = Buffer.from((await terminals.get('CT3100-0001')?.files.read('cache-names.json')) ?? []).toString();
  expect(kept).toMatch(/\.nfd"/);
  // The parent is off: a child goes on with what it has, and has the rest when it is back.
  await terminals.get('CT3100-0001')?.terminal.stop();
  const off = { pan: numberOf('visa-contact'), source: 'issuer-a' };
  expect((await house.call('POST', '/negative/removals', off)).body).toMatchObject({ needsSecondSignature: true });
  expect(await secondOf(house)).toMatchObject({ published: true });
  for (const serial of children) expect((await detail(serial)).negative.current).toBe(false);
  await switchOn('CT3100-0001', terminals.get('CT3100-0001')?.files.afterPowerLoss(false) ?? expect.fail(), parent);
  await current(...children);
  for (const serial of children) expect(await sale(serial, 'visa-contact')).toMatchObject({ outcome: 'approved' });
}, 180_000);

/** Sets the limits of the one terminal's sales without the issuer so wide that the list's own caps are met first. */
async function openOffline(): Promise<void> {
  const query = 'layer=terminal&serial=CT5100-0001';
  const { version } = (await house.call('GET', `/configuration?${query}`)).body as unknown as { version: number };
  const wide = { floorLimitMinor: 300_000, offlineCountMax: 200, offlineAmountMaxMinor: 10_000_000 };
  await house.call('PATCH', `/configuration?${query}&reason=test`, wide, { 'if-match': `"${version}"` });
  await until('the limits', async () => (await detail('CT5100-0001')).configuration.inSync, 60_000);
}
/** Another head: what was approved on the one before counts no more. */
async function newHead(): Promise<void> {
  const { version } = (await detail('CT5100-0001')).negative;
  // A head is dated to the second, and only a later one begins a new count.
  const second = Math.floor(Date.now() / 1_000);
  await until('the next second', async () => Math.floor(Date.now() / 1_000) > second, 5_000);
  expect((await house.call('POST', '/negative/versions', {})).body).toMatchObject({ published: true });
  const isHere = async (): Promise<boolean> => (await detail('CT5100-0001')).negative.version > version;
  await until('the next head', isHere, 60_000);
}
/** Cards that approve by themselves, and count anew when their issuer has approved in between. */
const offlineCards = ['visa-offline', 'mastercard-offline', 'jcb-issuer-optional'] as const;
const who = async (card: TestCardName, amountMinor: number) => {
  const done = await sale('CT5100-0001', card, amountMinor);
  expect(done, `${card} ${amountMinor}`).toMatchObject({ outcome: 'approved' });
  return done?.decidedBy ?? 'issuer';
};
/** A card that has bought enough without its issuer asks it once in between. */
async function offline(card: TestCardName, amountMinor: number): Promise<void> {
  for (let tries = 0; tries < 3; tries += 1) if ((await who(card, amountMinor)) === 'terminal') return;
  expect.fail(`${card} is not approved by the terminal`);
}

it('sales that terminal and card approve by themselves end at fifty on one head, and begin anew with the next', async () => {
  await openOffline();
  await newHead();
  for (let sold = 0; sold < 50; sold += 1)
    await offline(offlineCards[sold % offlineCards.length] ?? 'visa-offline', 100);
  for (const card of offlineCards) expect([await who(card, 100), await who(card, 100)]).toEqual(['issuer', 'issuer']);
  // A power loss gives nothing back.
  const { terminal, files } = terminals.get('CT5100-0001') ?? expect.fail();
  await terminal.stop();
  await switchOn('CT5100-0001', files.afterPowerLoss(false));
  for (const card of offlineCards) expect(await who(card, 100)).toBe('issuer');
  await newHead();
  for (const card of offlineCards) await offline(card, 100);
}, 300_000);

it('and at half a million yen, to the yen', async () => {
  await newHead();
  await offline('visa-offline', 290_000);
  await offline('mastercard-offline', 205_000);
  expect(await who('jcb-issuer-optional', 5_001)).toBe('issuer');
  await offline('jcb-issuer-optional', 5_000);
  for (const card of offlineCards) expect(await who(card, 1)).toBe('issuer');
  // Without the issuer there is nothing left to approve with.
  await company?.close();
  for (const card of offlineCards) expect((await sale('CT5100-0001', card, 1))?.outcome, card).not.toBe('approved');
  company = await startCompany();
}, 300_000);

/** A unit with keys of its own, in its bag, on its way to the shop. */
async function onItsWay(serial: string): Promise<void> {
  const [olga, otto] = [await signedIn(house, 'olga', 'operator'), await signedIn(house, 'otto', 'admin')];
  const claim = await register(serial, 'CT-5100', { lifecycle: 'warehouse' });
  await switchOn(serial, new MemoryFiles(new Map([['claim.json', Buffer.from(JSON.stringify(claim))]])));
  const keyCheckValues = (await detail(serial)).keys.map(({ slot, kcv }) => ({ slot, kcv }));
  await terminals.get(serial)?.terminal.stop();
  terminals.delete(serial);
  for (const [to, evidence] of [
    ['keyed', { keyCheckValues }],
    ['in-transit', { bagNumber: 'BAG-1001', seals: ['S-1'] }],
  ] as const) {
    const moved = await olga(`/terminals/${serial}/lifecycle`, { to, reason: 'test', evidence });
    const { pending } = lifecycleView.parse(moved);
    if (pending) await otto(`/approvals/${pending.approval}/decisions`, { verdict: 'approved' });
  }
}

it('a unit that is held in a swap sells with its issuer’s word only, and by itself again when the swap is taken back', async () => {
  const [old, fresh] = ['CT5100-0001', 'CT5100-0009'];
  await onItsWay(fresh);
  await newHead();
  await offline('visa-offline', 100);
  // It is off when the swap begins, and the new unit is looked into: the swap stays where it is.
  const { terminal, files } = terminals.get(old) ?? expect.fail();
  await terminal.stop();
  const evidence = { bagNumber: 'BAG-1001', photo: 'a'.repeat(64), seals: ['S-1'], connections: 1 };
  const begun = await house.call('POST', '/swaps', { old, new: fresh, reason: 'worn', evidence });
  const { id, step } = swapView.parse(begun.body);
  expect(step).toBe('prepared');
  await house.call('POST', `/terminals/${fresh}/lifecycle`, { to: 'quarantined', reason: 'looked into', evidence: {} });
  await switchOn(old, files.afterPowerLoss(false));
  await until('the floor limit', async () => (await detail(old)).configuration.inSync, 60_000);
  const act = (verb: string) => house.call('POST', `/swaps/${id}/acts`, { verb });
  expect((await act('advance')).body).toMatchObject({ step: 'prepared', waitsFor: 'new-state' });
  for (const card of offlineCards) expect([await who(card, 100), await who(card, 100)]).toEqual(['issuer', 'issuer']);
  await company?.close();
  for (const card of offlineCards) expect((await sale(old, card, 100))?.outcome, card).not.toBe('approved');
  company = await startCompany();
  await lineToCompany();
  expect((await act('abort')).body).toMatchObject({ step: 'aborted' });
  await until('the floor limit again', async () => (await detail(old)).configuration.inSync, 60_000);
  for (const card of offlineCards) await offline(card, 100);
}, 300_000);

it('of two cards with one tag one comes off the list, and the other is refused at the reader as before', async () => {
  const { terminal, files } = terminals.get('CT5100-0001') ?? expect.fail();
  await terminal.stop();
  terminals.delete('CT5100-0001');
  for (const [serial, other] of terminals) {
    await other.terminal.stop();
    terminals.delete(serial);
  }
  await house.house.close();
  // Tags of sixteen bits, so that a second card with the tag of the first can be found.
  const place = join(folder, 'server');
  const store = unwrap(await openStore(join(place, 'store.sqlite'), migrations, house.world.clock));
  await store.db.updateTable('negative_lists').set({ hash_bits: 16 }).where('list', '=', 'regular').execute();
  await store.close();
  const passphrase = await findPassphrase(undefined, join(place, 'vault-passphrase'), house.world);
  const vault = unwrap(await openFileVault(join(place, 'vault.jsonl'), passphrase, house.world));
  const tagOf = (pan: string) => hashTag(unwrap(vault.negativeTag(negativeTagKey, secretPan(pan))), 16);
  const first = numberOf('visa-contact');
  const wanted = tagOf(first);
  let other = first;
  for (let at = 0; other === first; at += 1) {
    const pan = withCheckDigit(`400000${String(at).padStart(9, '0')}`);
    if (tagOf(pan) === wanted) other = pan;
  }
  await vault.close();
  house = await testHouse(folder, { portBase });
  await switchOn('CT5100-0001', files.afterPowerLoss(false));

  const text = `${first},stolen\n${other},lost\n`;
  const imported = (await house.call('POST', '/negative/imports', { source: 'issuer-a', mode: 'add', text })).body;
  expect(imported).toMatchObject({ added: 2, count: 1, published: true });
  await current('CT5100-0001');
  expect(await sale('CT5100-0001', 'visa-contact')).toMatchObject(listed);
  const off = (pan: string) => house.call('POST', '/negative/removals', { pan, source: 'issuer-a' });
  expect((await off(other)).body).toMatchObject({ published: true, count: 1 });
  await current('CT5100-0001');
  expect(await sale('CT5100-0001', 'visa-contact')).toMatchObject(listed);
  expect((await off(first)).body).toMatchObject({ needsSecondSignature: true });
  expect(await secondOf(house)).toMatchObject({ published: true, count: 0 });
  await current('CT5100-0001');
  expect(await sale('CT5100-0001', 'visa-contact')).toMatchObject({ outcome: 'approved' });
}, 180_000);
