import { createPrivateKey } from 'node:crypto';
import { openAcquirer, type SwitchAcquirer } from '@tsunagu/firmware-bridge/acquiring/index';
import { keyBlockProtectionKeyRecord } from '@tsunagu/firmware-bridge/enrolment/index';
import { openTerminalKeys, type TerminalKeys } from '@tsunagu/firmware-bridge/keys/index';
import { directNetwork, type SecureNetwork, secureNetwork } from '@tsunagu/firmware-bridge/link/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { type KeyFinding, type Keys, openAcquirers, openKeys } from '@tsunagu/fleet-server/keys/index';
import type { Vault } from '@tsunagu/fleet-server/vault/index';
import { readFrame } from '@tsunagu/protocols/acquiring';
import {
  acquirerOfCard,
  type KeyLoad,
  type KeySlot,
  routingRules,
  type Serial,
  serialSchema,
} from '@tsunagu/protocols/fleet';
import { Secret, unwrap } from '@tsunagu/protocols/kit';
import type { TestCardName } from '@tsunagu/protocols/test-cards';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemoryFiles } from '../agent/memory-files.ts';
import { openSmallHouse, type SmallHouse, type Terminal, until } from './small-house.ts';
import { putTerminals } from './terminal-row.ts';

// The real ledger, vault and switch, and a terminal's real key slots and way to the switch, over TLS.
const world = systemWorld(() => undefined);
const [serial, other] = [serialSchema.parse('CT5100-0001'), serialSchema.parse('CT5100-0002')];
const cards = 'acs=4 jcc=35';
const findings: KeyFinding[] = [];
const closers: (() => unknown)[] = [];
let house: SmallHouse;
let vault: Vault;
let ledger: Keys;
let keys: TerminalKeys;
let builder: Terminal;
let orders = 0;

beforeAll(async () => {
  house = await openSmallHouse(undefined, {
    async keys(store, opened) {
      vault = opened;
      ledger = await openKeys(world, store, opened);
      return ledger;
    },
    quarantine: async (_, finding) => void findings.push(finding),
  });
  const table = unwrap(await house.sw.rules.view('routing'));
  const rules = routingRules.parse(table.rules);
  const routes = rules.routes.map((route) => {
    const acquirer = acquirerOfCard(cards, Buffer.from(route.prefix));
    return acquirer === undefined ? route : { ...route, acquirer };
  });
  unwrap(await house.sw.rules.change('routing', table.version, { ...rules, routes }, 'companies', 'me'));
  await putTerminals(house.store, [serial, other]);
  builder = await house.terminal(serial);
  closers.push(() => builder.close());
  const kbpk = Secret.copy('key', new Uint8Array(32).fill(7));
  const sealed = unwrap(await openSealedStore(new MemoryFiles(), world));
  unwrap(await sealed.write(keyBlockProtectionKeyRecord, {}, kbpk));
  const { id, checkValue } = await vault.keep('kbpk/1', 'key-block-protection', kbpk);
  await house.store.write((tx) => ledger.protect(tx, serial, id, checkValue));
  keys = unwrap(await openTerminalKeys(sealed, world.clock, { world, serial }));
  for (const load of await due()) await prove(await take(load));
});
afterAll(async () => {
  for (const close of closers) close();
  await house.close();
});

/** What the ledger wants the terminal to load now. */
const due = async () =>
  (await house.store.write((tx) => ledger.reconcile(tx, serial, [...keys.slots()], () => false))).loads;
const take = async (load: KeyLoad) =>
  unwrap(await keys.load(load, { job: `00000000-0000-4000-8000-${String(++orders).padStart(12, '0')}`, attempt: 1 }));
const prove = async (evidence: Awaited<ReturnType<typeof take>>) =>
  expect(await house.store.write((tx) => ledger.proven(tx, serial, evidence))).toBe(true);
async function serve(...wanted: readonly string[]): Promise<void> {
  const acquirers = openAcquirers(world, house.store, () => undefined);
  unwrap(await acquirers.set(serial, unwrap(await acquirers.of(serial)).version, wanted));
}
const rotated = async (slot: KeySlot): Promise<KeyLoad> => {
  const load = await house.store.write((tx) => ledger.rotate(tx, serial, slot));
  if (!load) throw new Error('no protection key');
  return load;
};

/** The terminal's way to the switch; `under` hears whose keys each request is under. */
async function line(as: Serial = serial, cardsOf = cards, from: TerminalKeys = keys) {
  const under: (string | undefined)[] = [];
  const { cert, key, ca } = await house.credentials(as);
  const secure = secureNetwork(
    directNetwork({ host: '127.0.0.1', fleet: 1, device: 1, acquiring: house.sw.port }, world.timers),
    world.timers,
    { host: 'localhost', rootCertificate: ca },
    { certificateChain: cert, privateKey: createPrivateKey(key) },
  );
  const network: SecureNetwork = {
    ...secure,
    async open(service, timeoutMs) {
      const opened = await secure.open(service, timeoutMs);
      if (!opened.ok) return opened;
      const write = opened.value.write.bind(opened.value);
      opened.value.write = (frame: Uint8Array) => {
        const read = unwrap(readFrame(Uint8Array.from(frame.subarray(2))));
        under.push(read.kind === 'request' ? read.under?.acquirer : read.kind);
        return write(frame);
      };
      return opened;
    },
  };
  const acquirer: SwitchAcquirer = openAcquirer({
    world,
    network,
    keys: from,
    acquirerOf: (digits) => acquirerOfCard(cardsOf, digits),
  });
  closers.push(() => acquirer.close());
  const sell = async (card: TestCardName, pin?: string) => {
    const message = builder.sale(card, 700);
    const pan = message.fields[2];
    if (!(pan instanceof Secret)) throw new Error('a message with a card');
    const typed = pin && {
      pin: Secret.take('pin', Uint8Array.from(Buffer.from(pin, 'latin1'))),
      pan: pan.use((bytes) => Secret.copy('pan', bytes)),
    };
    const answer = await acquirer.exchange(message, { timeoutMs: 5_000, pin: typed || undefined });
    return answer.ok ? answer.value.fields[39] : answer.fault.facts?.['refusal'];
  };
  return { under, sell };
}

test('until a terminal holds the keys of a card company, its cards go under the key of the terminal', async () => {
  const { under, sell } = await line();
  expect(await sell('visa-contact', '1234')).toBe('000');
  expect(under).toEqual([undefined]);
});

test('from then on message, MAC and PIN are under the keys of the company whose card it is', async () => {
  await serve('acs', 'jcc');
  const loads = await due();
  expect(loads.map(({ slot }) => slot)).toHaveLength(6);
  for (const load of loads) await prove(await take(load));
  const { under, sell } = await line();
  expect(await sell('visa-contact', '1234')).toBe('000');
  expect(await sell('visa-contact', '9999')).toBe('117');
  expect(await sell('jcb-contact', '1234')).toBe('000');
  expect(await sell('mastercard-contact')).toBe('000');
  expect(under).toEqual(['acs', 'acs', 'jcc', undefined]);
});

test('a card under the keys of another company, or under the key of the terminal, is declined and told of', async () => {
  const before = house.alarms.length;
  for (const wrong of ['jcc=4,35', '']) expect(await (await line(serial, wrong)).sell('visa-contact')).toBe('917');
  expect(await (await line(serial, 'acs=4,5')).sell('mastercard-contact')).toBe('917');
  // The first is told at once, and the others with the last of each while: all three count.
  const told = () => house.alarms.slice(before).map(({ fault }) => [fault.code, fault.facts?.['acquirer']]);
  await until(() => told().at(-1)?.[1] === 'none');
  const [visa, mastercard] = [
    ['ACQUIRING_ACQUIRER_KEY', 'acs'],
    ['ACQUIRING_ACQUIRER_KEY', 'none'],
  ];
  // On a slow machine a while ends between the second and the third.
  expect([
    [visa, mastercard],
    [visa, visa, mastercard],
  ]).toContainEqual(told());
  const counted = async () =>
    unwrap(await house.sw.operator.alarms({}, { limit: 10 })).items.find(
      ({ code }) => code === 'ACQUIRING_ACQUIRER_KEY',
    );
  await until(async () => (await counted())?.count === 3);
});

test('each key is replaced by itself, and old and new count until the new one is proven; then the old one does not', async () => {
  const stale = unwrapped(keys.acquirerKeys('acs'));
  const { sell } = await line();
  for (const kind of ['pin', 'mac', 'data'] as const) {
    const load = await rotated(`acquirer/acs/${kind}`);
    expect(await sell('visa-contact', '1234')).toBe('000');
    const loaded = await take(load);
    expect(await sell('visa-contact', '1234')).toBe('000');
    await prove(loaded);
    expect(await sell('visa-contact', '1234')).toBe('000');
  }
  const kept: TerminalKeys = { ...keys, acquirerKeys: (name) => (name === 'acs' ? stale() : keys.acquirerKeys(name)) };
  expect(await (await line(serial, cards, kept)).sell('visa-contact')).toBe('ACQUIRING_ACQUIRER_KEY');
});

test('keys of a company at another terminal give both away', async () => {
  findings.length = 0;
  expect(await (await line(other)).sell('visa-contact')).toBe('ACQUIRING_KSN_UNKNOWN');
  expect(findings).toMatchObject([{ code: 'KSN_TWO_IDENTITIES', serials: [serial, other] }]);
});

test('a terminal that swore to have destroyed its keys, tells of none and uses one all the same, is given away by it', async () => {
  findings.length = 0;
  await house.store.write((tx) => ledger.wiped(tx, serial, 'destruction'));
  const { sell } = await line();
  for (const card of ['visa-contact', 'mastercard-contact'] as const)
    expect(await sell(card)).toBe('ACQUIRING_KSN_UNKNOWN');
  expect(findings).toMatchObject(Array(2).fill({ code: 'KSN_AFTER_WIPE', serials: [serial, serial] }));
});

/** Hands out copies of keys as often as they are asked for. */
function unwrapped(held: ReturnType<TerminalKeys['acquirerKeys']>) {
  if (!held) throw new Error('no keys');
  const copy = ({ key, kcv }: typeof held.pin) => ({ kcv, key: key.use((bytes) => Secret.copy('key', bytes)) });
  return () => ({ pin: copy(held.pin), mac: copy(held.mac), data: copy(held.data) });
}
