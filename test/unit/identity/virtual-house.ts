import { type KeyObject, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beginRenewal, finishRenewal, renewalDue, takeTrust } from '@tsunagu/firmware-bridge/enrolment/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { type Expiry, openExpiry } from '@tsunagu/fleet-server/expiry/index';
import {
  type Authority,
  type Ceremonies,
  identityEndings,
  type Lives,
  openAdmission,
  openAuthority,
  openCeremonies,
  openCertificates,
  openEnrolment,
  openManufacturers,
  openTrustKnown,
} from '@tsunagu/fleet-server/identity/index';
import type { Store } from '@tsunagu/fleet-server/store/index';
import { openFileVault, type Vault } from '@tsunagu/fleet-server/vault/index';
import {
  certificatesOf,
  type ClaimBundle,
  claimBundle,
  serialSchema,
  tenantSchema,
  type Serial,
  type Trust,
} from '@tsunagu/protocols/fleet';
import { type Result, Secret, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld, type World } from '@tsunagu/protocols/world';
import { openQuickly } from '../../empty-store.ts';
import { MemoryFiles } from '../agent/memory-files.ts';
import { enrolmentOf, newKey } from '../core/support.ts';

export const dayMs = 86_400_000;
/** Thousands of days with a write each: what is waited for is not the disk. */
const fastFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
export const tenant = tenantSchema.parse('demo');
const use = { kind: 'leaf', purposes: ['serverAuth'], names: [{ dns: 'localhost' }] } as const;

/** The same certificates are looked at every day of five years: each is parsed once, each signature checked once. */
const onceFor = <T>(work: (key: string) => T): ((key: string) => T) => {
  const known = new Map<string, T>();
  return (key) => {
    const found = known.get(key) ?? work(key);
    known.set(key, found);
    return found;
  };
};
interface Parsed {
  readonly certificate: X509Certificate;
  isInDate(at: number): boolean;
  /** Whether the one with this PEM has issued it. */
  isBelow(above: string): boolean;
}
const parsed: (pem: string) => Parsed = onceFor((pem) => {
  const certificate = new X509Certificate(pem);
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  return {
    certificate,
    isInDate: (at: number): boolean => from <= at && at <= to,
    isBelow: onceFor((above) => {
      const issuer = parsed(above).certificate;
      return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
    }),
  };
});
const split = onceFor(certificatesOf);

/** Whether a chain (leaf first) leads to one of these roots at a moment: signatures, CA flags, and every date on the way. */
export function chainHolds(chain: string, anchors: readonly string[], at: number): boolean {
  const pems = split(chain);
  if (pems.length === 0 || !pems.every((pem) => parsed(pem).isInDate(at))) return false;
  if (!pems.every((pem, index) => index === 0 || parsed(pems[index - 1] ?? '').isBelow(pem))) return false;
  const last = parsed(pems.at(-1) ?? '');
  return anchors.flatMap(split).some((root) => parsed(root).isInDate(at) && last.isBelow(root));
}

/** An alarm as it was noted. */
export interface Alarm {
  readonly at: number;
  readonly serial: Serial;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The server's identity rooms on a clock that the test moves: real store, real vault, real rules. Timers never fire: the test calls what they would. */
export interface VirtualHouse {
  now: number;
  readonly world: World;
  readonly store: Store;
  readonly vault: Vault;
  readonly authority: Authority;
  readonly ceremonies: Ceremonies;
  readonly expiry: Expiry;
  readonly alarms: Alarm[];
  /** What a TLS client sees. */
  serverChain(): Promise<string>;
  enrol(serial: string): Promise<VirtualTerminal>;
  /** A terminal comes. */
  contact(terminal: VirtualTerminal): Promise<Contact>;
  close(): Promise<void>;
}

export interface VirtualTerminal {
  readonly serial: Serial;
  readonly files: MemoryFiles;
  readonly claim: ClaimBundle;
  trust: Trust;
  chain: string;
  key: KeyObject;
}

/** What became of a contact: an `answer` is a next certificate that is on its way still. */
export interface Contact {
  readonly isAdmitted: boolean;
  readonly why?: string;
  /** Asked for, and what came of it. */
  readonly renewal?: Result<() => Promise<void>>;
}

export async function openVirtualHouse(
  startAt: number,
  lives: Partial<Lives>,
  { folder = mkdtempSync(join(fastFolder, 'tsunagu-drill-')), wrapStore = (store: Store) => store } = {},
): Promise<VirtualHouse> {
  const real = systemWorld(() => {});
  const house: { now: number } = { now: startAt };
  const world: World = {
    ...real,
    clock: { now: () => house.now, monotonicMs: () => house.now },
    timers: { after: () => ({ cancel() {} }), every: () => ({ cancel() {} }), sleep: () => Promise.resolve() },
  };
  const vault = unwrap(await openFileVault(join(folder, 'vault.jsonl'), 'a passphrase of a test', world));
  const opened = await openQuickly(join(folder, 'store.sqlite'), world.clock);
  const store = wrapStore(opened);
  const authority = await openAuthority(world, store, vault, tenant, lives);
  const { hierarchy } = authority;
  let shown: { readonly day: number; readonly chain: string } | undefined;
  const ceremonies = openCeremonies({
    world,
    store,
    vault,
    authority,
    changed() {
      shown = undefined;
      return Promise.resolve();
    },
  });
  const alarms: Alarm[] = [];
  const expiry = openExpiry({
    world,
    store,
    sources: [identityEndings(store, authority, 'server')],
    note: (_tx, serial, _kind, facts = {}) => {
      alarms.push({ at: house.now, serial, facts });
      return Promise.resolve();
    },
    announce: () => undefined,
  });
  const trustKnown = openTrustKnown(hierarchy, () => undefined);
  const admit = openAdmission(world, store, tenant);
  const certificates = openCertificates({
    world,
    store,
    authority,
    note: () => Promise.resolve(),
    isOrdered: () => Promise.resolve(false),
    renewed: (tx, serial) => expiry.contacted(tx, serial),
    disconnect: () => undefined,
  });
  const jobKey = { kid: '0'.repeat(16), publicKey: 'AAAA' };
  const enrolment = openEnrolment({
    world,
    store,
    vault,
    authority,
    manufacturers: openManufacturers(world, store),
    tenant,
    jobKey,
    negativeRoot: () => Promise.resolve(new Uint8Array(8)),
    replaced: () => Promise.resolve(),
    protect: () => Promise.resolve(),
    enrolled: () => Promise.resolve(),
  });
  /** As a server does: it looks at its certificate now and then, and when the authorities have changed; not at every contact. */
  const serverChain = async (): Promise<string> => {
    const day = Math.floor(house.now / dayMs);
    if (shown?.day !== day)
      shown = { day, chain: (await authority.credentials('server', 'server', use)).certificateChain };
    return shown.chain;
  };

  async function followTrust(terminal: VirtualTerminal): Promise<void> {
    for (;;) {
      const newest = await store.write((tx) => trustKnown.heard(tx, terminal.serial, terminal.trust.version));
      if (newest === undefined) return;
      const document = await ceremonies.trust(terminal.trust.version + 1);
      if (!document) throw new Error('a document is missing');
      const medium = unwrap(await openSealedStore(terminal.files, world));
      terminal.trust = unwrap(await takeTrust(medium, terminal.trust, document, tenant));
    }
  }

  async function askForNext(terminal: VirtualTerminal): Promise<Contact['renewal']> {
    const presented = new X509Certificate(certificatesOf(terminal.chain)[0] ?? '');
    if (renewalDue(terminal.chain, terminal.serial) > house.now) return undefined;
    const identity = {
      certificateChain: terminal.chain,
      privateKey: terminal.key,
      jobKey,
      negativeRoot: 'AAAA',
    };
    const medium = unwrap(await openSealedStore(terminal.files, world));
    const { claimSecret: _, ...claim } = terminal.claim;
    const secret = Secret.take('claim', new Uint8Array(32));
    const parts = { store: medium, world, claim: { ...claim, secret }, anchors: () => terminal.trust.anchors.join('') };
    const begun = unwrap(await beginRenewal(parts, identity));
    const answer = await certificates.renew(terminal.serial, presented, begun.request);
    if (!answer.ok) return answer;
    return {
      ok: true,
      value: async () => {
        const next = unwrap(await finishRenewal(parts, identity, begun.privateKey, answer.value));
        terminal.chain = next.certificateChain;
        terminal.key = next.privateKey;
      },
    };
  }

  return Object.assign(house, {
    world,
    store,
    vault,
    authority,
    ceremonies,
    expiry,
    alarms,
    serverChain,
    async enrol(text: string): Promise<VirtualTerminal> {
      const serial = serialSchema.parse(text);
      const bytes = world.entropy(32);
      const claim = claimBundle.parse({
        tenant,
        serial,
        model: 'CT-5100',
        claimSecret: Buffer.from(bytes).toString('base64'),
        rootCertificate: authority.anchors,
        trust: hierarchy.trust.version,
        endpoints: { host: 'localhost', fleet: 1, device: 1, acquiring: 1 },
      });
      await store.write(async (tx) => {
        const place = { merchant: 'm', shop: 's', lane: '1' };
        await tx
          .insertInto('terminals')
          .values({
            serial,
            model: 'CT-5100',
            ...place,
            parent: null,
            relay_port: null,
            registered_at: house.now,
            enrolled_at: null,
          })
          .execute();
        await enrolment.expect(tx, serial, Secret.take('claim', bytes), hierarchy.trust.version);
      });
      const key = newKey();
      const answer = unwrap(await enrolment.enrol(enrolmentOf(claim, key).request));
      const trust = { version: claim.trust ?? 1, anchors: [...certificatesOf(claim.rootCertificate)] };
      return { serial, files: new MemoryFiles(), claim, trust, chain: answer.certificateChain, key };
    },
    async contact(terminal: VirtualTerminal): Promise<Contact> {
      const { now } = house;
      // TLS, both ways: neither end has anything but what it holds at this moment.
      if (!chainHolds(await serverChain(), terminal.trust.anchors, now)) return { isAdmitted: false, why: 'server' };
      if (
        !chainHolds(
          terminal.chain,
          hierarchy.roots.map(({ pem }) => pem),
          now,
        )
      )
        return { isAdmitted: false, why: 'terminal' };
      const admitted = await admit(new X509Certificate(certificatesOf(terminal.chain)[0] ?? ''));
      if (!admitted.ok) return { isAdmitted: false, why: admitted.fault.code };
      await store.write((tx) => expiry.contacted(tx, terminal.serial));
      await followTrust(terminal);
      const renewal = await askForNext(terminal);
      return { isAdmitted: true, ...(renewal && { renewal }) };
    },
    async close(): Promise<void> {
      expiry.close();
      await opened.close();
      await vault.close();
      rmSync(folder, { recursive: true, force: true });
    },
  });
}
