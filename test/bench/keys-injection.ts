import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyBlockProtectionKeyRecord } from '@tsunagu/firmware-bridge/enrolment/index';
import { openTerminalKeys } from '@tsunagu/firmware-bridge/keys/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { openKeys } from '@tsunagu/fleet-server/keys/index';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { openFileVault } from '@tsunagu/fleet-server/vault/index';
import { jobIdSchema, type KeyLoad, serialSchema } from '@tsunagu/protocols/fleet';
import { Secret, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { buildCertificate, toPem } from '@tsunagu/protocols/x509';
import { MemoryFiles } from '../unit/agent/memory-files.ts';

const count = 60;

/**
 * Terminals a second whose keys are decided, wrapped, loaded, proven and in the ledger: file vault and SQLite on disk, the terminal's sealed store in
 * memory, no network. By TR-34 each gets its protection key first (RSA-2048; the terminal's own pair is made before the clock starts).
 */
export async function injectionsPerSecond(): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-injections-'));
  const world = systemWorld(() => undefined);
  const store = unwrap(await openStore(join(folder, 'store.sqlite'), migrations, world.clock));
  const vault = unwrap(await openFileVault(join(folder, 'vault'), 'a passphrase', world));
  const keys = await openKeys(world, store, vault);
  const identity = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let jobs = 0;
  const nextJob = () => jobIdSchema.parse(`00000000-0000-4000-8000-${String(++jobs).padStart(12, '0')}`);

  async function enrolled(name: string, model: string) {
    const serial = serialSchema.parse(name);
    const now = world.clock.now();
    const row = { serial, model, merchant: 'm', shop: 's', lane: '', parent: null, relay_port: null };
    await store.db
      .insertInto('terminals')
      .values({ ...row, registered_at: now, enrolled_at: now })
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
    const sealed = unwrap(await openSealedStore(new MemoryFiles(), world));
    return { serial, sealed, terminal: unwrap(await openTerminalKeys(sealed, world.clock, { world, serial })) };
  }
  type Enrolled = Awaited<ReturnType<typeof enrolled>>;

  async function load({ serial, terminal }: Enrolled, loads: readonly KeyLoad[]): Promise<void> {
    for (const each of loads) {
      const held = unwrap(await terminal.load(each, { job: nextJob(), attempt: 1 }));
      if (!(await store.write((tx) => keys.proven(tx, serial, held)))) throw new Error('a key was not proven');
    }
  }

  async function timed(all: readonly Enrolled[], work: (one: Enrolled) => Promise<void>): Promise<number> {
    const start = performance.now();
    for (const one of all) await work(one);
    return (all.length * 1_000) / (performance.now() - start);
  }

  const agreed = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const one = await enrolled(`CT5100-${String(index).padStart(4, '0')}`, 'CT-5100');
      const key = Secret.take('key', world.entropy(32));
      unwrap(await one.sealed.write(keyBlockProtectionKeyRecord, {}, key));
      const kept = await vault.keep(`kbpk/${one.serial}`, 'key-block-protection', key);
      await store.write((tx) => keys.protect(tx, one.serial, kept.id, kept.checkValue));
      return one;
    }),
  );
  const byAgreement = await timed(agreed, async (one) => {
    const { loads } = await store.write((tx) => keys.reconcile(tx, one.serial, [], () => false));
    await load(one, loads);
  });

  const bound = [];
  for (let index = 0; index < count / 4; index += 1) {
    const one = await enrolled(`JTC17-${String(index).padStart(4, '0')}`, 'JT-C17');
    const kept = await vault.ensure(`kbpk/${one.serial}`, 'key-block-protection');
    await store.write((tx) => keys.protect(tx, one.serial, kept.id, kept.checkValue));
    await keys.prepare(one.serial);
    const { bind } = await store.write((tx) => keys.reconcile(tx, one.serial, [], () => false));
    if (!bind) throw new Error('nothing to bind');
    const job = nextJob();
    bound.push({ ...one, job, binding: unwrap(await one.terminal.bind(bind, job, () => identity.privateKey)) });
  }
  const start = performance.now();
  for (const one of bound) {
    const order = unwrap(await store.write((tx) => keys.bound(tx, one.serial, one.job, one.binding)));
    const evidence = unwrap(await one.terminal.receive(order, nextJob()));
    await load(one, (await store.write((tx) => keys.received(tx, one.serial, evidence))) ?? []);
  }
  const byTr34 = (bound.length * 1_000) / (performance.now() - start);
  await vault.close();
  await store.close();
  rmSync(folder, { recursive: true });
  return { 'injections by agreement, terminals/s': byAgreement, 'injections by TR-34, terminals/s': byTr34 };
}
