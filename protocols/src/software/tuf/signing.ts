import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { fail, ok, type Result } from '../../kit/index.ts';
import { canonicalBytes, type Metadata, type Signed, type TufKey, type TufRole } from './metadata.ts';

/** The id of a key: SHA-256 of its canonical form. 4.2.1. */
export const tufKeyId = (key: TufKey): string => createHash('sha256').update(canonicalBytes(key)).digest('hex');

/** SPKI of an Ed25519 key, but for its last 32 bytes (RFC 8410, 4). */
const ed25519Spki = Buffer.from('302a300506032b6570032100', 'hex');

/** An Ed25519 public key as metadata write it. */
export function tufKeyOf(publicKey: KeyObject): TufKey {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: spki.subarray(-32).toString('hex') } };
}

function publicKeyOf({ keytype, scheme, keyval }: TufKey): KeyObject | undefined {
  if (keytype !== 'ed25519' || scheme !== 'ed25519' || !/^[0-9a-f]{64}$/.test(keyval.public)) return undefined;
  const key = Buffer.concat([ed25519Spki, Buffer.from(keyval.public, 'hex')]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

/**
 * Whether enough keys of a role, by a root, have signed. One key counts once, under whatever ids and however often it signed. 4.2.1, 5.3.4.
 */
export function isSigned(
  root: Signed<'root'>,
  role: TufRole,
  { canonical, signatures }: Pick<Metadata<TufRole>, 'canonical' | 'signatures'>,
): Result<void, 'SOFTWARE_METADATA_UNSIGNED'> {
  const { keyids, threshold } = root.roles[role];
  const counted = new Set<string>();
  for (const { keyid, sig } of signatures) {
    const key = keyids.includes(keyid) ? root.keys[keyid] : undefined;
    if (!key || counted.has(key.keyval.public) || tufKeyId(key) !== keyid) continue;
    const publicKey = publicKeyOf(key);
    if (publicKey && verify(null, canonical, publicKey, Buffer.from(sig, 'hex'))) counted.add(key.keyval.public);
  }
  return counted.size >= threshold
    ? ok(undefined)
    : fail('SOFTWARE_METADATA_UNSIGNED', { field: role, facts: { signatures: counted.size, threshold } });
}

/** Something that signs with one key. */
export interface TufSigner {
  readonly key: TufKey;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

/** Signs metadata anew: every signature of before is gone. */
export const signMetadata = (signed: object, signers: readonly TufSigner[]): string =>
  writeMetadata(
    signed,
    signers.map(({ key, sign }) => ({
      keyid: tufKeyId(key),
      sig: Buffer.from(sign(canonicalBytes(signed))).toString('hex'),
    })),
  );

/** Adds signatures to metadata, in the place of earlier ones by the same keys. */
export function addSignatures(metadata: Metadata<TufRole>, signers: readonly TufSigner[]): string {
  const added = signers.map(({ key, sign }) => ({
    keyid: tufKeyId(key),
    sig: Buffer.from(sign(metadata.canonical)).toString('hex'),
  }));
  const kept = metadata.signatures.filter(({ keyid }) => !added.some((one) => one.keyid === keyid));
  return writeMetadata(metadata.raw, [...kept, ...added]);
}

const writeMetadata = (signed: object, signatures: readonly object[]): string => JSON.stringify({ signatures, signed });
