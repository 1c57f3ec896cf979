import { type NegativeHead, negativeHead } from '@tsunagu/protocols/negative';
import { z } from 'zod';
import { sealedRecord } from '../sealed-store/index.ts';

/** One of the two places for a snapshot: the one in force is never written. */
export const snapshotSlots = ['A', 'B'] as const;
export type SnapshotSlot = (typeof snapshotSlots)[number];

/** What a terminal knows of a negative list, as it lies in the store. */
export const listRecord = sealedRecord(
  'negative',
  z.object({
    /** The newest head that was accepted. */
    head: negativeHead,
    /** The snapshot in force; it may be older than the head while the new one is being fetched. */
    snapshot: z
      .object({ slot: z.enum(snapshotSlots), version: z.number().int(), digest: z.string(), size: z.number().int() })
      .nullable(),
    /** Emergency tags (base64) that count beside the snapshot in force: those of all heads since it was the newest. */
    overlay: z.array(z.string()).max(8_192),
    /** Terminal's time at which what is in force last equalled an accepted head. */
    freshAt: z.number().int().nonnegative(),
  }),
);
export type ListState = z.output<typeof listRecord.facts>;

/** What is told about a list in the hello. */
export interface ListReport {
  readonly list: string;
  readonly version: number;
  readonly overlaySeq: number;
  readonly freshAt: number;
}

/** What accepting a head leads to. */
export type HeadStep =
  /** It is older than the one in force, or says something else under the same number. */
  | { readonly kind: 'ignored' }
  /** The overlay counts from now on; `fetch` when its snapshot is not here. */
  | { readonly kind: 'accepted'; readonly state: ListState; readonly fetch: boolean };

/**
 * Takes a genuine head into the state. Versions and overlay numbers only rise: a broker that brings back an old head cannot
 * take a card off the list. Until the new snapshot is here, the former overlay counts as well, since the new snapshot may
 * have taken its cards in.
 */
export function acceptHead(state: ListState | undefined, head: NegativeHead, now: number): HeadStep {
  const known = state?.head;
  if (state && known) {
    const isSame = head.version === known.version && head.overlay.seq === known.overlay.seq;
    // The time counts between equals only: a server whose clock stepped back can still list a card.
    const isOlder =
      head.version < known.version ||
      head.overlay.seq < known.overlay.seq ||
      (isSame && head.issuedAt < known.issuedAt);
    const contradicts = (head.version === known.version && head.digest !== known.digest) || head.list !== known.list;
    if (isOlder || contradicts) return { kind: 'ignored' };
  }
  const isInForce = state?.snapshot?.digest === head.digest;
  const overlay = isInForce ? head.overlay.tags : [...new Set([...(state?.overlay ?? []), ...head.overlay.tags])];
  return {
    kind: 'accepted',
    state: {
      head,
      snapshot: state?.snapshot ?? null,
      overlay: overlay.slice(-8_192),
      freshAt: isInForce ? now : (state?.freshAt ?? 0),
    },
    fetch: !isInForce,
  };
}

/** Puts a fetched and checked snapshot in force. */
export const flipTo = (state: ListState, slot: SnapshotSlot, now: number): ListState => ({
  head: state.head,
  snapshot: { slot, version: state.head.version, digest: state.head.digest, size: state.head.size },
  overlay: state.head.overlay.tags,
  freshAt: now,
});

/** The slot that may be written. */
export const spareSlot = (state: ListState | undefined): SnapshotSlot => (state?.snapshot?.slot === 'A' ? 'B' : 'A');
