import {
  certificatesOf,
  devicePaths,
  openTrustDocument,
  parseJson,
  type TenantId,
  type Trust,
  type TrustDocument,
  trustDocument,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import { exchange, type SecureNetwork } from '../link/index.ts';
import { type SealedStore, sealedRecord } from '../sealed-store/index.ts';
import type { Claim } from './claim.ts';

/** The roots that the terminal trusts since its server told it of others. Until then its claim says which. */
export const trustRecord = sealedRecord(
  'trust',
  z.object({ version: z.number().int().positive(), anchors: z.array(z.string()).min(1) }),
);

/** Whom a terminal trusts, kept up to date. */
export interface TrustAnchorsKept {
  readonly version: number;
  /** PEM, all of them. */
  readonly pem: string;
  /** The server knows of a newer version: it is fetched, one document after the other, and counts once it is on the medium. Returns at once. */
  wake(newest: number): void;
  idle(): Promise<void>;
}

const timeoutMs = 15_000;
const documentLengthMax = 65_536;
/** Documents that are read in one go; what is left comes with the next notice. */
const stepsMax = 16;

/** What the terminal trusts at its start: what was told last, or what its claim pins where that is newer. */
export async function readTrust(
  store: SealedStore,
  claim: Pick<Claim, 'rootCertificate' | 'trust'>,
): Promise<Result<Trust, 'STORE_READ_FAILED' | 'STORE_RECORD_DAMAGED'>> {
  const stored = await store.read(trustRecord);
  if (!stored.ok) return stored;
  const claimed: Trust = { version: claim.trust ?? 1, anchors: [...certificatesOf(claim.rootCertificate)] };
  const told = stored.value?.facts;
  return ok(told && told.version > claimed.version ? told : claimed);
}

/** Checks a document as somebody who trusts `now`, and puts what it says on the medium: from then on it counts. */
export async function takeTrust(
  store: SealedStore,
  now: Trust,
  document: TrustDocument,
  tenant: TenantId,
): Promise<Result<Trust, 'TRUST_DOCUMENT_INVALID' | 'STORE_WRITE_FAILED'>> {
  const opened = openTrustDocument(document, now, tenant);
  if (!opened.ok) return opened;
  const { version, anchors } = opened.value;
  const written = await store.write(trustRecord, { version, anchors });
  return written.ok ? ok({ version, anchors }) : written;
}

export interface TrustOptions {
  readonly world: World;
  readonly store: SealedStore;
  readonly claim: Pick<Claim, 'tenant' | 'endpoints'>;
  readonly network: SecureNetwork;
  readonly first: Trust;
  /** Another version is on the medium and counts. */
  readonly changed: () => void;
}

/** Follows what the server tells of roots. A document that is not signed by a root that is trusted now changes nothing. */
export function keepTrust({ world, store, claim, network, first, changed }: TrustOptions): TrustAnchorsKept {
  let trust = first;
  let newest = first.version;
  let running: Promise<void> | undefined;

  async function fetchNext(): Promise<Result<Trust>> {
    const { host } = claim.endpoints;
    const answer = await exchange(network, host, world.timers, {
      method: 'GET',
      path: `${devicePaths.trust}/${trust.version + 1}`,
      lengthMax: documentLengthMax,
      timeoutMs,
    });
    if (!answer.ok) return answer;
    if (answer.value.status !== 200) return fail('TRUST_DOCUMENT_INVALID', { facts: { status: answer.value.status } });
    const document = parseJson(trustDocument, answer.value.body);
    if (!document.ok) return fail('TRUST_DOCUMENT_INVALID', { field: 'form' });
    return await takeTrust(store, trust, document.value, claim.tenant);
  }

  async function follow(): Promise<void> {
    for (let step = 0; step < stepsMax && trust.version < newest; step++) {
      const next = await fetchNext();
      if (!next.ok) {
        world.log('warn', 'trustNotTakenUp', { fault: next.fault, version: trust.version + 1 });
        return;
      }
      trust = next.value;
      network.pin(trust.anchors.join(''));
      world.log('info', 'trustTakenUp', { version: trust.version });
      changed();
    }
  }

  return {
    get version() {
      return trust.version;
    },
    get pem() {
      return trust.anchors.join('');
    },
    wake(version) {
      newest = Math.max(newest, version);
      if (trust.version >= newest) return;
      running ??= follow().finally(() => {
        running = undefined;
      });
    },
    idle: () => running ?? Promise.resolve(),
  };
}
