import { concat } from '@tsunagu/protocols/kit';
import { encodeOverlay } from '@tsunagu/protocols/negative';
import {
  documentDigest,
  encodeHead,
  encodeOverlayDocument,
  encodeSigned,
  overlayDigestBytes,
} from '@tsunagu/protocols/negative/authority';
import type { Transaction } from 'kysely';
import type { Database } from '../store/index.ts';
import type { Cards } from './cards.ts';
import type { ListParts, NegativeState } from './ports.ts';
import { headLifeMs } from './rules.ts';

/** Head and overlay as they were stored, and what they say in short. */
export interface SignedHead {
  readonly bytes: Uint8Array;
  readonly state: NegativeState;
}

/** The signed heads of a list: what the newest one says, and how the next one comes into being. */
export interface Heads {
  /** What was published last. */
  readonly latest: NegativeState;
  /** @param rootVersion of the root that it is signed under, when that is not the one in force yet */
  sign(tx: Transaction<Database>, rootVersion?: number): Promise<SignedHead>;
  publish(head: SignedHead): void;
}

/** Opens the heads of a list where they were. */
export function openHeads({ rooms, list, signing }: ListParts, { overlayEntries }: Cards, known: NegativeState): Heads {
  const { world } = rooms;
  let latest = known;

  /** Signs the state of the list as it stands in this transaction, and stores the head. */
  async function sign(tx: Transaction<Database>, rootVersion = signing.root.version): Promise<SignedHead> {
    const now = world.clock.now();
    const state = await tx.selectFrom('negative_lists').selectAll().where('list', '=', list).executeTakeFirstOrThrow();
    const made = await tx
      .selectFrom('negative_versions')
      .select('manifest')
      .where('list', '=', list)
      .where('epoch', '=', state.epoch)
      .where('version', '=', state.version)
      .executeTakeFirstOrThrow();
    const { version, epoch, overlay_seq: seq } = state;
    const issuedAt = Math.floor(now / 1_000);
    const said = { list, epoch, version, seq, issuedAt };
    const overlay = signing.sign(
      'overlay',
      list,
      // The same overlay is signed to the same bytes: a renewed head changes nothing else.
      encodeOverlayDocument({ ...said, issuedAt: 0, overlay: encodeOverlay(await overlayEntries(tx)) }),
    );
    const head = signing.sign(
      'head',
      list,
      encodeHead({
        ...said,
        manifest: Uint8Array.from(Buffer.from(made.manifest, 'hex')),
        overlay: documentDigest(overlay).slice(0, overlayDigestBytes),
        rootVersion,
        notAfter: issuedAt + headLifeMs / 1_000,
      }),
    );
    const bytes = concat(encodeSigned(head), encodeSigned(overlay));
    const text = Buffer.from(bytes).toString('base64');
    await tx
      .updateTable('negative_lists')
      .set({ head: text, not_after: now + headLifeMs })
      .where('list', '=', list)
      .execute();
    const known = await tx
      .selectFrom('negative_heads')
      .select('id')
      .where('list', '=', list)
      .where('version', '=', version)
      .where('overlay_seq', '=', seq)
      .executeTakeFirst();
    if (!known)
      await tx
        .insertInto('negative_heads')
        .values({ list, version, overlay_seq: seq, head: text, issued_at: now })
        .execute();
    return { bytes, state: { list, version, overlaySeq: seq } };
  }

  /** Puts a head out that is on disk. One that was overtaken by a newer one meanwhile is not worth sending. */
  function publish({ bytes, state }: SignedHead): void {
    const isOlder =
      state.version < latest.version || (state.version === latest.version && state.overlaySeq < latest.overlaySeq);
    if (isOlder) return;
    latest = state;
    rooms.publish(list, bytes);
  }

  return {
    get latest() {
      return latest;
    },
    sign,
    publish,
  };
}
