import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openAuthority } from '@tsunagu/fleet-server/identity/index';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { findPassphrase, openFileVault } from '@tsunagu/fleet-server/vault/index';
import { serialSchema, type TenantId } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';

/** What the generators are given: every terminal has a certificate of its own; the key is one for all, to save time. */
export interface Fleet {
  readonly key: string;
  readonly root: string;
  /** The issuing CA: whoever listens knows it, as the house does, so that terminals show their own certificate alone. */
  readonly issuing: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly terminals: readonly { readonly serial: string; readonly certificate: string }[];
}

/** Fills a house's data folder with enrolled terminals before it starts, through its own rooms; the first `jobs` of them have a job that waits. */
export async function seedFleet(dataDir: string, tenant: TenantId, count: number, jobs: number): Promise<string> {
  const world = systemWorld(() => undefined);
  const folder = join(dataDir, 'server');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const passphrase = await findPassphrase(undefined, join(folder, 'vault-passphrase'), world);
  const vault = unwrap(await openFileVault(join(folder, 'vault.jsonl'), passphrase, world));
  const store = unwrap(await openStore(join(folder, 'store.sqlite'), migrations, world.clock));
  const authority = await openAuthority(world, store, vault, tenant);
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = await authority.credentials('server', 'fleet-server', {
    kind: 'leaf',
    purposes: ['serverAuth'],
    names: [{ dns: 'localhost' }, { ip: '127.0.0.1' }],
  });
  const terminals: { serial: string; certificate: string }[] = [];
  const now = world.clock.now();
  for (let from = 0; from < count; from += 500) {
    const batch = await Promise.all(
      Array.from({ length: Math.min(500, count - from) }, async (_, at) => {
        const serial = serialSchema.parse(`BENCH-${String(from + at).padStart(6, '0')}`);
        return { index: from + at, serial, issued: unwrap(await authority.issueTerminal(serial, pair.publicKey)) };
      }),
    );
    await store.write(async (tx) => {
      for (const { index, serial, issued } of batch) {
        terminals.push({ serial, certificate: issued.pem });
        await tx
          .insertInto('terminals')
          .values({
            serial,
            model: 'CT-5100',
            merchant: 'bench',
            shop: `shop-${Math.floor(index / 4)}`,
            lane: String(index % 4),
            parent: null,
            relay_port: null,
            registered_at: now,
            enrolled_at: now,
          })
          .execute();
        await tx
          .insertInto('certificates')
          .values({
            fingerprint: issued.fingerprint,
            kind: 'terminal',
            subject: serial,
            key: issued.key,
            pem: issued.pem,
            issued_at: now,
            not_after: issued.notAfter,
            ended_at: null,
            revoked_at: null,
            issuer: issued.issuer,
          })
          .execute();
        if (index < jobs)
          await tx
            .insertInto('jobs')
            .values({
              id: world.id(),
              serial,
              type: 'terminal.reboot',
              subject: 'bench',
              params: '{}',
              state: 'queued',
              attempt: 0,
              attempts_max: 3,
              created_at: now,
              deadline_at: now + 3_600_000,
              finished_at: null,
              fault: null,
              result: null,
            })
            .execute();
      }
    });
  }
  await store.close();
  await vault.close();
  const fleet: Fleet = {
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    root: authority.anchors,
    issuing: authority.hierarchy.issuing.map(({ pem }) => pem).join(''),
    server: { cert: server.certificateChain, key: server.privateKey },
    terminals,
  };
  const file = join(dataDir, 'fleet.json');
  writeFileSync(file, JSON.stringify(fleet), { mode: 0o600 });
  return file;
}

/** What became of the seeded jobs, once the house is down. */
export async function readJobs(dataDir: string): Promise<{ succeeded: number; attempts: number }> {
  const world = systemWorld(() => undefined);
  const store = unwrap(await openStore(join(dataDir, 'server', 'store.sqlite'), migrations, world.clock));
  const rows = await store.db.selectFrom('jobs').select(['state', 'attempt']).where('subject', '=', 'bench').execute();
  await store.close();
  return {
    succeeded: rows.filter(({ state }) => state === 'succeeded').length,
    attempts: rows.reduce((sum, { attempt }) => sum + attempt, 0),
  };
}
