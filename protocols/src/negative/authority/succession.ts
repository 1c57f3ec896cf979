import type { Result } from '../../kit/index.ts';
import { acceptRoot, initialTrust, type TrustFault } from './rules.ts';
import type { NegativeKey, RootDocument } from './documents.ts';
import { negativeKeyId, type NegativeSignature, type SignedBytes } from './signed-bytes.ts';

/** What a new root changes. Keys are Ed25519, 32 bytes each. */
export interface Succession {
  readonly rootKeys: readonly Uint8Array[];
  readonly listKeys: readonly Uint8Array[];
  /** How many root keys have to sign the root after it. */
  readonly threshold: number;
  /** Seconds since 1970. */
  readonly notAfter: number;
  /** The list that the list keys are for. */
  readonly list: string;
}

/**
 * The root after this one: other keys for its own role and for a list; those that are online, and the policy, stay. A list that is new has
 * the emergency keys of those before it.
 */
export function nextRoot(root: RootDocument, change: Succession): RootDocument {
  const { rootKeys, listKeys, threshold, notAfter, list } = change;
  const keyFor =
    (role: 'root' | 'list', scope: string) =>
    (publicKey: Uint8Array): NegativeKey => ({ id: negativeKeyId(publicKey), publicKey, role, list: scope, notAfter });
  const emergency = root.keys.filter(({ role }) => role === 'emergency');
  const isKnown = emergency.some(({ list: scope }) => scope === '' || scope === list);
  const more = isKnown ? [] : [...new Map(emergency.map((key) => [key.id, { ...key, list, notAfter }])).values()];
  return {
    ...root,
    version: root.version + 1,
    notAfter,
    threshold,
    keys: [
      ...rootKeys.map(keyFor('root', '')),
      ...listKeys.map(keyFor('list', list)),
      ...root.keys
        .filter(({ role, list: scope }) => role !== 'root' && !(role === 'list' && scope === list))
        .map((key) => ({ ...key, notAfter })),
      ...more,
    ],
  };
}

/** A document with one more signature; one by the same key is replaced. */
export const withSignature = (document: SignedBytes, signature: NegativeSignature): SignedBytes => ({
  payload: document.payload,
  signatures: [...document.signatures.filter(({ keyId }) => keyId !== signature.keyId), signature],
});

/** Whether terminals that hold `root` will take the next one. Seconds since 1970. */
export function checkSuccession(
  root: RootDocument,
  document: SignedBytes,
  now: number,
): Result<RootDocument, TrustFault> {
  const accepted = acceptRoot(initialTrust('', root), document, now);
  return accepted.ok ? { ok: true, value: accepted.value.root } : accepted;
}
