import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { decodeSigned, encodeSigned, keysFor, type SignedBytes } from '@tsunagu/protocols/negative/authority';
import type { ListParts, Negative } from './ports.ts';
import { payloadDigest, type Versions } from './versions.ts';

/** What is signed where this server has no key: the next root by its custodians, versions by list keys. */
export function openKeysElsewhere(
  { rooms: { world, store }, list, signing, publishUnderNext }: ListParts,
  versions: Versions,
): Pick<Negative, 'authority' | 'bringRoot' | 'countersignRoot' | 'sign'> {
  const authority: Negative['authority'] = async () => {
    const { root, next, signingRoot } = signing;
    const document = (await signing.rootDocument(root.version)) ?? new Uint8Array(0);
    const waiting = await versions.pending();
    const now = Math.floor(world.clock.now() / 1_000);
    const named = (['root', 'list', 'emergency', 'head'] as const).flatMap((role) =>
      keysFor(signingRoot, role, role === 'root' ? '' : list, now),
    );
    const inForce = await store.db
      .selectFrom('negative_versions')
      .select('count')
      .where('list', '=', list)
      .orderBy('version', 'desc')
      .executeTakeFirst();
    return {
      root: { document: text(document) },
      nextVersion: next?.version ?? null,
      keys: named.map(({ id, role }) => ({ id, role, held: signing.isHeld(id) })),
      pending: waiting
        ? {
            version: waiting.facts.version,
            count: waiting.facts.count,
            before: inForce?.count ?? 0,
            payload: text(waiting.document.payload),
            digest: payloadDigest(waiting.document),
            signers: waiting.facts.signers,
            signed: waiting.document.signatures.length,
          }
        : null,
    };
  };
  return {
    authority,
    async bringRoot(bytes, by) {
      const document = read(bytes);
      if (!document.ok) return document;
      const brought = await signing.bring(document.value);
      if (!brought.ok) return brought;
      world.log('info', 'negativeRootBrought', { version: brought.value.version, by: by.subject });
      // The first version under it: at once where its list keys are here, else when their signatures come.
      await publishUnderNext();
      return ok(await authority());
    },
    countersignRoot(bytes, by) {
      const document = read(bytes);
      if (!document.ok) return document;
      world.log('info', 'negativeRootCountersigned', { by: by.subject });
      return ok(encodeSigned(signing.countersign(document.value)));
    },
    sign: (digest, signature) => versions.addSignature(digest, signature),
  };
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function read(bytes: Uint8Array): Result<SignedBytes, 'NEGATIVE_DOCUMENT_INVALID'> {
  const decoded = decodeSigned(bytes);
  if (!decoded.ok) return decoded;
  return decoded.value.end === bytes.length ? ok(decoded.value.document) : fail('NEGATIVE_DOCUMENT_INVALID');
}
