import { isDegenerate, withOddParity } from '../kcv/index.ts';
import { fail, ok, type Result, Secret } from '../kit/index.ts';
import { unwrapKeyBlock, wrapKeyBlock } from '../tr31/index.ts';
import { type Link, linkMacs } from './link.ts';

/** The working keys of a connection: each is there where the link's profile asks for it. */
export interface ZoneKeys {
  /** Under which MACs are made, in both directions. */
  readonly mac?: Secret<'key'> | undefined;
  /** Under which whole messages are enciphered (AES-128). */
  readonly data?: Secret<'key'> | undefined;
}

/** Overwrites the keys. */
export function wipeZoneKeys(keys: ZoneKeys | undefined): void {
  keys?.mac?.wipe();
  keys?.data?.wipe();
}

/** Fresh working keys for a connection of this link; undefined where its profile needs none. */
export function freshZoneKeys(link: Link, entropy: (lengthBytes: number) => Uint8Array): ZoneKeys | undefined {
  const mac = link.profile.mac && freshMacKey(linkMacs[link.profile.mac.algorithm].tr31.algorithm, entropy);
  const data = link.session.encrypt ? Secret.take('key', entropy(16)) : undefined;
  return mac || data ? { mac, data } : undefined;
}

/** A MAC key of 16 bytes. One for TDES has odd parity, as modules of the far side ask for, and two halves that differ (SP 800-67 Rev. 2, 3.3.1). */
function freshMacKey(algorithm: 'A' | 'T', entropy: (lengthBytes: number) => Uint8Array): Secret<'key'> {
  // One in 2^56 has equal halves; a source that gives three of them is none.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const bytes = entropy(16);
    if (algorithm === 'A') return Secret.take('key', bytes);
    const key = withOddParity(bytes);
    bytes.fill(0);
    if (!isDegenerate(key)) return Secret.take('key', key);
  }
  throw new Error('a source of keys that gives the same bytes again');
}

/**
 * What DE96 of a key exchange (811) holds: TR-31 blocks, version D, under the key-block protection key of the zone, one behind the other. Each
 * begins with its own length. MAC key (M6, M3), data key (D0), and whatever stands in `more` (the PIN key of the zone, P0).
 */
export function writeZoneKeys(
  link: Link,
  zoneKbpk: Secret<'key'>,
  keys: ZoneKeys,
  entropy: (lengthBytes: number) => Uint8Array,
  more: readonly string[] = [],
): Uint8Array {
  const wrap = (key: Secret<'key'>, keyUsage: string, algorithm: string, modeOfUse: string): string => {
    const attributes = {
      versionId: 'D',
      keyUsage,
      algorithm,
      modeOfUse,
      keyVersion: '00',
      exportability: 'N',
      reserved: '00',
    } as const;
    const wrapped = wrapKeyBlock(zoneKbpk, { attributes, key, entropy });
    if (!wrapped.ok) throw new Error(`a key of the zone cannot be wrapped: ${wrapped.fault.code}`);
    return wrapped.value;
  };
  const { mac } = link.profile;
  const blocks = [
    ...(keys.mac && mac
      ? [wrap(keys.mac, macUsage(mac.algorithm).keyUsage, macUsage(mac.algorithm).algorithm, 'C')]
      : []),
    ...(keys.data ? [wrap(keys.data, 'D0', 'A', 'B')] : []),
    ...more,
  ];
  return Uint8Array.from(Buffer.from(blocks.join(''), 'latin1'));
}

const macUsage = (algorithm: keyof typeof linkMacs) => linkMacs[algorithm].tr31;

/** The keys that a far side handed over. */
export interface ReadZoneKeys extends ZoneKeys {
  /** The PIN key of the zone. */
  readonly pin?: Secret<'key'> | undefined;
}

/**
 * Reads DE96: each block unwrapped, by its usage. LINK_KEYS_INVALID when one is not authentic, when one of a kind comes twice or is not known, or when
 * one that the profile needs is missing; nothing is kept then.
 */
export function readZoneKeys(
  link: Link,
  zoneKbpk: Secret<'key'>,
  blocks: Uint8Array | undefined,
): Result<ReadZoneKeys, 'LINK_KEYS_INVALID'> {
  const found = new Map<'mac' | 'data' | 'pin', Secret<'key'>>();
  const invalid = (field: string): Result<never, 'LINK_KEYS_INVALID'> => {
    for (const key of found.values()) key.wipe();
    return fail('LINK_KEYS_INVALID', { field });
  };
  let text = Buffer.from(blocks ?? []).toString('latin1');
  for (let count = 0; text !== ''; count += 1) {
    const length = /^D\d{4}/.test(text) ? Number(text.slice(1, 5)) : 0;
    if (length < 16 || length > text.length || count === 3) return invalid('length');
    const unwrapped = unwrapKeyBlock(zoneKbpk, text.slice(0, length));
    text = text.slice(length);
    if (!unwrapped.ok) return invalid('block');
    const { key, header } = unwrapped.value;
    const kind = kindOf(link, header.keyUsage);
    if (kind === undefined || found.has(kind) || key.length !== 16) {
      key.wipe();
      return invalid('usage');
    }
    found.set(kind, key);
  }
  if (link.profile.mac && !found.has('mac')) return invalid('mac');
  if (link.session.encrypt && !found.has('data')) return invalid('data');
  return ok({ mac: found.get('mac'), data: found.get('data'), pin: found.get('pin') });
}

function kindOf(link: Link, keyUsage: string): 'mac' | 'data' | 'pin' | undefined {
  if (keyUsage === 'D0') return 'data';
  if (keyUsage === 'P0') return 'pin';
  return link.profile.mac && macUsage(link.profile.mac.algorithm).keyUsage === keyUsage ? 'mac' : undefined;
}
