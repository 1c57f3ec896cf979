import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { keyBlockProtectionKeyRecord } from '@tsunagu/firmware-bridge/enrolment/index';
import { openTerminalKeys } from '@tsunagu/firmware-bridge/keys/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { keyReleases, openAcquirers, openKeys } from '@tsunagu/fleet-server/keys/index';
import { openStore, type Store } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { openFileVault, type Vault } from '@tsunagu/fleet-server/vault/index';
import { jobIdSchema, type KeyBinding, type KeyReceive, type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import { frameKeys, openFrame, readFrame, sealFrame } from '@tsunagu/protocols/acquiring';
import { ksnOf } from '@tsunagu/protocols/dukpt';
import { Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { buildCertificate, toPem } from '@tsunagu/protocols/x509';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryFiles } from '../agent/memory-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsunagu-distribution-'));
const world = systemWorld(() => undefined);
const identity = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let store: Store;
let vault: Vault;
let keys: Awaited<ReturnType<typeof openKeys>>;
let jobs = 0;
const nextJob = () => jobIdSchema.parse(`00000000-0000-4000-8000-${String(++jobs).padStart(12, '0')}`);

beforeAll(async () => {
  store = unwrap(await openStore(join(folder, 'store.sqlite'), migrations, world.clock));
  vault = unwrap(await openFileVault(join(folder, 'vault'), 'a passphrase', world));
  keys = await openKeys(world, store, vault);
});
afterAll(async () => {
  await vault.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

/** A terminal on the inventory with a certificate, and what was agreed at its enrolment. */
async function enrolled(name: string, model: string) {
  const serial = serialSchema.parse(name.toUpperCase());
  const now = world.clock.now();
  await store.db
    .insertInto('terminals')
    .values({
      serial,
      model,
      merchant: 'm',
      shop: 's',
      lane: '',
      parent: null,
      relay_port: null,
      registered_at: now,
      enrolled_at: now,
    })
    .execute();
  const certificate = buildCertificate(
    {
      serialNumber: world.entropy(8),
      subject: { commonName: serial },
      publicKey: identity.publicKey,
      notBefore: now,
      notAfter: now + 86_400_000,
      use: { kind: 'leaf', purposes: ['clientAuth'], names: [] },
    },
    { name: { commonName: 'ca' }, privateKey: identity.privateKey },
  );
  await store.db
    .insertInto('certificates')
    .values({
      fingerprint: serial,
      kind: 'terminal',
      subject: serial,
      key: 'k',
      pem: toPem('CERTIFICATE', certificate),
      issued_at: now,
      not_after: now + 86_400_000,
      ended_at: null,
      revoked_at: null,
      issuer: null,
    })
    .execute();
  const agreed = await vault.ensure(`kbpk/${name}`, 'key-block-protection');
  await store.write((tx) => keys.protect(tx, serial, agreed.id, agreed.checkValue));
  await keys.prepare(serial);
  return serial;
}

/** A terminal's keys on a medium that survives it; each call is another boot. */
const media = new Map<string, MemoryFiles>();
async function boot(serial: string, files = media.get(serial) ?? new MemoryFiles()) {
  media.set(serial, files);
  const sealed = unwrap(await openSealedStore(files, world));
  return unwrap(await openTerminalKeys(sealed, world.clock, { world, serial }));
}
const identityKey = (): KeyObject => identity.privateKey;
const reconcile = (serial: Serial, held: Parameters<typeof keys.reconcile>[2] = []) =>
  store.write((tx) => keys.reconcile(tx, serial, held, () => false));

/** From an order to bind to the order that carries the token. */
async function bound(serial: Serial, change: (binding: KeyBinding) => KeyBinding = (same) => same) {
  const { bind, loads } = await reconcile(serial);
  expect(loads).toEqual([]);
  if (!bind) throw new Error('no order to bind');
  const job = nextJob();
  const terminal = await boot(serial);
  const binding = unwrap(await terminal.bind(bind, job, identityKey));
  return await store.write((tx) => keys.bound(tx, serial, job, change(binding)));
}

describe.each([
  ['two-pass', 'JT-C17'],
  ['one-pass', 'iWL250'],
])('TR-34 %s', (passes, model) => {
  test('puts the protection key into a terminal, and only then come the keys under it', async () => {
    const serial = await enrolled(`${model}-1`, model);
    const asked: Serial[] = [];
    const acquirers = openAcquirers(world, store, (who) => void asked.push(who));
    unwrap(await acquirers.set(serial, 0, ['jcb', 'uc']));
    expect([await acquirers.set(serial, 0, []), asked]).toMatchObject([
      { fault: { code: 'VERSION_CONFLICT' } },
      [serial],
    ]);
    const order = unwrap(await bound(serial));
    const job = nextJob();
    const terminal = await boot(serial);
    const evidence = unwrap(await terminal.receive(order, job));
    expect(evidence.kcv).toBe(order.kcv);
    const loads = (await store.write((tx) => keys.received(tx, serial, evidence))) ?? [];
    expect(loads.map(({ slot }) => slot)).toEqual([
      'dukpt',
      'negative',
      ...['jcb', 'uc'].flatMap((name) => [`acquirer/${name}/pin`, `acquirer/${name}/mac`, `acquirer/${name}/data`]),
    ]);
    for (const load of loads) {
      const loaded = unwrap(await terminal.load(load, { job: nextJob(), attempt: 1 }));
      expect(loaded.kcv).toBe(load.kcv);
      expect(await store.write((tx) => keys.proven(tx, serial, loaded))).toBe(true);
    }
    // Another boot still has them all, and there is nothing to do.
    const again = await boot(serial);
    expect(again.slots().length).toBe(8);
    unwrap(await again.check());
    expect(await reconcile(serial, [...again.slots()])).toEqual({ loads: [], loaded: [], erases: [] });
    expect(vault.idsFor('acquirer-pin').length).toBeGreaterThanOrEqual(2);
    // What a wipe leaves of them: nothing.
    unwrap(await again.destroy());
    const empty = await boot(serial);
    expect(empty.slots()).toEqual([]);
    expect(await empty.receive(order, nextJob())).toMatchObject({ fault: { code: 'TR34_BINDING_MISSING' } });
  });

  test('a token counts for one job, and not for another', async () => {
    const serial = await enrolled(`${model}-2`, model);
    const order = unwrap(await bound(serial));
    const terminal = await boot(serial);
    const job = nextJob();
    const first = unwrap(await terminal.receive(order, job));
    expect(unwrap(await terminal.receive(order, job))).toEqual(first);
    expect(await terminal.receive(order, nextJob())).toMatchObject({
      fault: { code: passes === 'two-pass' ? 'TR34_NONCE_MISMATCH' : 'TR34_REPLAYED' },
    });
    const other = await enrolled(`${model}-3`, model);
    const foreign = unwrap(await bound(other));
    expect(await terminal.receive({ ...foreign, kcv: order.kcv }, nextJob())).toMatchObject({ ok: false });
  });

  test('power may fail at every write of the terminal: the same order ends with the same key', async () => {
    const serial = await enrolled(`${model}-4`, model);
    const order = unwrap(await bound(serial));
    const before = media.get(serial);
    if (!before) throw new Error('no medium');
    const job = nextJob();
    let cuts = 1;
    for (; ; cuts += 1) {
      const files = before.afterPowerLoss(true, cuts);
      const whole = await (await boot(serial, files)).receive(order, job);
      for (const keepsUnsynced of [false, true]) {
        const after = await boot(serial, files.afterPowerLoss(keepsUnsynced));
        expect(unwrap(await after.receive(order, job)).kcv).toBe(order.kcv);
      }
      if (whole.ok) break;
    }
    expect(cuts).toBeGreaterThanOrEqual(2);
  });

  test('another protection key takes its place from afar, and every key below it is made anew', async () => {
    const serial = await enrolled(`${model}-6`, model);
    const first = unwrap(await (await boot(serial)).receive(unwrap(await bound(serial)), nextJob()));
    const before = (await store.write((tx) => keys.received(tx, serial, first))) ?? [];
    const order = unwrap(await store.write((tx) => keys.renewProtection(tx, serial)));
    expect(order.type).toBe(passes === 'two-pass' ? 'key.bind' : 'key.receive');
    let next: KeyReceive;
    if (order.type === 'key.receive') next = order.params;
    else {
      const job = nextJob();
      const binding = unwrap(await (await boot(serial)).bind(order.params, job, identityKey));
      next = unwrap(await store.write((tx) => keys.bound(tx, serial, job, binding)));
    }
    expect(next.kcv).not.toBe(first.kcv);
    // Until the terminal proved the new one, the old one counts.
    const held = async () =>
      (await store.db.selectFrom('protection_keys').select('kcv').where('serial', '=', serial).executeTakeFirst())?.kcv;
    expect(await held()).toBe(first.kcv);
    const second = unwrap(await (await boot(serial)).receive(next, nextJob()));
    const after = (await store.write((tx) => keys.received(tx, serial, second))) ?? [];
    expect(await held()).toBe(second.kcv);
    expect(after.map(({ slot }) => slot)).toEqual(before.map(({ slot }) => slot));
    const terminal = await boot(serial);
    for (const load of before) expect((await terminal.load(load, { job: nextJob(), attempt: 1 })).ok).toBe(false);
    for (const load of after) unwrap(await terminal.load(load, { job: nextJob(), attempt: 1 }));
  });

  const released = async (serial: Serial, to: 'nobody' | 'host') => {
    const draw = nextJob();
    const drawn = unwrap(await (await boot(serial)).drawForRelease(draw, identityKey));
    return unwrap(await store.write((tx) => keys.release(tx, serial, draw, drawn, to)));
  };
  const nothingOwed = { identityKey, undelivered: () => Promise.resolve(0) };
  /** From an order to bind to a terminal that holds every key. */
  const keyed = async (name: string) => {
    const serial = await enrolled(name, model);
    const evidence = unwrap(await (await boot(serial)).receive(unwrap(await bound(serial)), nextJob()));
    const loads = (await store.write((tx) => keys.received(tx, serial, evidence))) ?? [];
    for (const load of loads) {
      const loaded = unwrap(await (await boot(serial)).load(load, { job: nextJob(), attempt: 1 }));
      expect(await store.write((tx) => keys.proven(tx, serial, loaded))).toBe(true);
    }
    return { serial, evidence, loads };
  };
  const counting = (serial: Serial) =>
    store.db
      .selectFrom('key_ledger')
      .select(['slot', 'kcv'])
      .where('serial', '=', serial)
      .where('state', 'in', ['allocated', 'loaded'])
      .execute();

  test('unbinds a terminal: every key is gone, and it swears which, by check value', async () => {
    const { serial, evidence, loads } = await keyed(`${model}-7`);
    const word = await released(serial, 'nobody');
    const job = nextJob();
    // What was sold and could not be sent any more keeps the keys.
    const owing = { identityKey, undelivered: () => Promise.resolve(2) };
    expect(await (await boot(serial)).release(word, job, owing)).toMatchObject({
      fault: { code: 'SALES_UNDELIVERED' },
    });
    const proof = unwrap(await (await boot(serial)).release(word, job, nothingOwed));
    const terminal = await boot(serial);
    expect(terminal.slots()).toEqual([]);
    for (const load of loads) expect((await terminal.load(load, { job: nextJob(), attempt: 1 })).ok).toBe(false);
    // A proof that is not its own, or about another job, ends nothing.
    const forged = { ...proof, statement: proof.statement.replace('"left":0', '"left": 0') };
    expect(await store.write((tx) => keys.released(tx, serial, job, forged))).toBeUndefined();
    expect(await store.write((tx) => keys.released(tx, serial, nextJob(), proof))).toBeUndefined();
    expect((await counting(serial)).length).toBe(loads.length);
    expect(await store.write((tx) => keys.released(tx, serial, job, proof))).toEqual({});
    expect(await counting(serial)).toEqual([]);
    expect(unwrap(await keyReleases(store.db, serial))).toMatchObject([
      {
        host: (await keys.hosts.hosts()).at(-1)?.key,
        next: null,
        protectionKey: evidence.kcv,
        gone: loads.map(({ slot, kcv }) => ({ slot, kcv })),
      },
    ]);
    // It stays without keys until somebody has it bound again, by another key of its own.
    expect(await reconcile(serial)).toEqual({ loads: [], loaded: [], erases: [] });
    const order = unwrap(await store.write((tx) => keys.renewProtection(tx, serial)));
    if (order.type !== 'key.bind') throw new Error('it is bound already');
    const binding = unwrap(await (await boot(serial)).bind(order.params, nextJob(), identityKey));
    // The word that ended the last binding does not end this one.
    expect(binding.publicKey).not.toBe('');
    expect(await (await boot(serial)).release(word, nextJob(), nothingOwed)).toMatchObject({
      fault: { code: 'TR34_NONCE_MISMATCH' },
    });
  });

  test('power may fail at every write of a release: the same order ends with the same proof', async () => {
    const { serial, loads } = await keyed(`${model}-8`);
    const word = await released(serial, 'nobody');
    const before = media.get(serial);
    if (!before) throw new Error('no medium');
    const job = nextJob();
    const said = (proof: { readonly statement: string }) => ({ ...JSON.parse(proof.statement), at: '' });
    let cuts = 1;
    for (; ; cuts += 1) {
      const files = before.afterPowerLoss(true, cuts);
      const whole = await (await boot(serial, files)).release(word, job, nothingOwed);
      for (const keepsUnsynced of [false, true]) {
        const after = await boot(serial, files.afterPowerLoss(keepsUnsynced));
        expect(said(unwrap(await after.release(word, job, nothingOwed)))).toMatchObject({
          gone: loads.map(({ slot, kcv }) => ({ slot, kcv })),
          left: 0,
        });
        expect(after.slots()).toEqual([]);
      }
      if (whole.ok) break;
    }
    expect(cuts).toBeGreaterThan(5);
  });

  test('rebinds a terminal to the host that takes over, by the word of its own host alone', async () => {
    const { serial, evidence } = await keyed(`${model}-9`);
    const draw = nextJob();
    const drawn = unwrap(await (await boot(serial)).drawForRelease(draw, identityKey));
    expect(await store.write((tx) => keys.release(tx, serial, draw, drawn, 'host'))).toMatchObject({
      fault: { code: 'KEY_HOST_CURRENT' },
    });
    const current = (await keys.hosts.hosts()).length;
    expect(await keys.hosts.useHost('tr34/kdh/9')).toMatchObject({ fault: { code: 'KEY_UNKNOWN' } });
    unwrap(await keys.hosts.useHost(`tr34/kdh/${current + 1}`));
    // A house that would take a bound terminal without asking its host is refused.
    const other = await enrolled(`${model}-10`, model);
    const { bind } = await reconcile(other);
    if (!bind) throw new Error('no order to bind');
    expect(await (await boot(serial)).bind(bind, nextJob(), identityKey)).toMatchObject({
      fault: { code: 'TR34_BOUND_ELSEWHERE' },
    });
    const word = await released(serial, 'host');
    const job = nextJob();
    const proof = unwrap(await (await boot(serial)).release(word, job, nothingOwed));
    const after = await store.write((tx) => keys.released(tx, serial, job, proof));
    if (!after?.bind) throw new Error('no order to bind');
    expect(await counting(serial)).not.toEqual([]);
    const bindJob = nextJob();
    const binding = unwrap(await (await boot(serial)).bind(after.bind, bindJob, identityKey));
    const order = unwrap(await store.write((tx) => keys.bound(tx, serial, bindJob, binding)));
    const second = unwrap(await (await boot(serial)).receive(order, nextJob()));
    expect(second.kcv).not.toBe(evidence.kcv);
    expect((await store.write((tx) => keys.received(tx, serial, second)))?.length).toBe(2);
    // Years and certificates later its word is still good.
    const { fingerprint: _, ...last } = await store.db
      .selectFrom('certificates')
      .selectAll()
      .where('subject', '=', serial)
      .executeTakeFirstOrThrow();
    for (let renewal = 1; renewal <= 40; renewal++) {
      const issued_at = last.issued_at + renewal;
      const row = { ...last, issued_at, pem: 'of another key', fingerprint: `${serial}/${renewal}` };
      await store.db.insertInto('certificates').values(row).execute();
    }
    expect(unwrap(await keyReleases(store.db, serial))).toMatchObject([
      { next: `tr34/kdh/${current + 1}`, gone: [], protectionKey: evidence.kcv },
    ]);
  });

  test('whoever carries the answer cannot put another key into it', async () => {
    const serial = await enrolled(`${model}-5`, model);
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const publicKey = stranger.export({ format: 'der', type: 'spki' }).toString('base64');
    expect(await bound(serial, (binding) => ({ ...binding, publicKey }))).toMatchObject({
      fault: { code: 'TR34_CERTIFICATE_INVALID', field: 'signature' },
    });
    const tampered = (order: KeyReceive): KeyReceive => {
      const bytes = Buffer.from(order.token, 'base64');
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      return { ...order, token: bytes.toString('base64') };
    };
    const order = unwrap(await bound(serial));
    expect(await (await boot(serial)).receive(tampered(order), nextJob())).toMatchObject({
      fault: { code: 'TR34_NOT_AUTHENTIC' },
    });
  });
});

test('a terminal that agrees on its key is never bound, and says so when it is to be renewed', async () => {
  const serial = await enrolled('CT5100-9', 'CT-5100');
  const { bind, loads } = await reconcile(serial);
  expect(await store.write((tx) => keys.renewProtection(tx, serial))).toMatchObject({
    fault: { code: 'KEY_PROTECTION_AGREED' },
  });
  expect(bind).toBeUndefined();
  expect(loads.map(({ slot }) => slot)).toEqual(['dukpt', 'negative']);
});

test('a model that can do TDES only gets a TDES initial key, and the switch finds the keys of its transactions', async () => {
  const serial = await enrolled('CATS220-9', 'CATS220');
  const agreed = () => Secret.take('key', new Uint8Array(32).fill(9));
  const { id, checkValue } = await vault.keep('kbpk/old', 'key-block-protection', agreed());
  await store.write((tx) => keys.protect(tx, serial, id, checkValue));
  const files = new MemoryFiles();
  media.set(serial, files);
  unwrap(await unwrap(await openSealedStore(files, world)).write(keyBlockProtectionKeyRecord, {}, agreed()));
  const { loads } = await reconcile(serial);
  expect(loads.map(({ slot, kcv }) => [slot, kcv.length])).toEqual([
    ['dukpt', 6],
    ['negative', 10],
  ]);
  for (const load of loads) {
    const loaded = unwrap(await (await boot(serial)).load(load, { job: nextJob(), attempt: 1 }));
    expect(await store.write((tx) => keys.proven(tx, serial, loaded))).toBe(true);
  }
  // Each from a fresh boot: the state is read again from the medium.
  for (const counter of [1, 2, 3]) {
    const terminal = await boot(serial);
    const shown = terminal.slots().find(({ slot }) => slot === 'dukpt')?.ksn ?? '';
    expect(shown).toMatch(/^FFFF[0-9A-F]{16}$/);
    const taken = unwrap(await terminal.takeTransactionKey());
    expect([taken.ksn.counter, toHex(ksnOf(taken))]).toEqual([counter, shown]);
    const frame = sealFrame('request', ksnOf(taken), Uint8Array.of(counter), frameKeys(taken, 'request'));
    const read = unwrap(readFrame(frame.subarray(2)));
    if (read.kind === 'refusal') throw new Error('a refusal');
    const found = unwrap(await keys.forTransaction(read.ksn));
    expect(found.serial).toBe(serial);
    expect(unwrap(openFrame(read, found.keys.request))).toEqual(Uint8Array.of(counter));
    unwrap(await (await boot(serial)).check());
  }
  // Another terminal of the model has another initial key.
  const other = await enrolled('CATS220-10', 'CATS220');
  await reconcile(other);
  const ids = await store.db
    .selectFrom('key_ledger')
    .select('initial_key_id')
    .where('serial', 'in', [serial, other])
    .where('slot', '=', 'dukpt')
    .execute();
  expect(ids.map((row) => String(row.initial_key_id).slice(10)).toSorted()).toEqual(['0000200000', '0000400000']);
});
