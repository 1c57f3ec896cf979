import { type NegativeReason, reasonOf } from './coding/reasons.ts';
import { absent, type Container, damaged } from './container/container.ts';
import { isExcepted, isInRange } from './container/ranges.ts';
import { hashTag, secondTag } from './keying/keyed-hash.ts';
import type { PermutedPan } from './keying/keyed-permutation.ts';
import { findInOverlay, overlayBits } from './overlay/overlay.ts';

/** What a look-up says in a word. Only `clear` may approve offline. */
export type NegativeAnswer = 'clear' | 'listed' | 'range-listed' | 'stale' | 'unknown-key';

/** What a look-up says. */
export type NegativeFinding =
  | { readonly answer: 'listed'; readonly reason: NegativeReason }
  | { readonly answer: Exclude<NegativeAnswer, 'listed'> };

/** A card as the secure module hands it out for a look-up: what its keys make of it, and its leading digits. */
export interface CardProbe {
  /** `panMac` under the list's hash key. */
  readonly mac: Uint8Array;
  /** The same under other keys that are here: while one takes over from another, emergency entries are under either. */
  readonly otherMacs?: readonly Uint8Array[];
  /** `permutePan` under the list's permutation key, for exact lists. */
  readonly permuted?: PermutedPan | undefined;
  /** ASCII digits; only the first twelve are looked at. */
  readonly digits: Uint8Array;
}

/** What is asked, newest first. */
export interface NegativeLayers {
  /** Emergency entries in force. */
  readonly overlay: Float64Array;
  readonly container: Container | undefined;
  /** Whether what is here is young enough to approve on. */
  readonly isFresh: boolean;
  /** Seconds since 1970: for ranges that end. */
  readonly now: number;
}

const say = (answer: Exclude<NegativeAnswer, 'listed'>): NegativeFinding => ({ answer });

/**
 * Looks a card up: emergency entries before exceptions before ranges before the list. Every layer that can match is asked. Bytes
 * that make no sense say `stale`, never `clear`.
 */
export function lookUp({ overlay, container, isFresh, now }: NegativeLayers, probe: CardProbe): NegativeFinding {
  for (const mac of [probe.mac, ...(probe.otherMacs ?? [])]) {
    const urgent = findInOverlay(overlay, hashTag(mac, overlayBits));
    if (urgent >= 0) return { answer: 'listed', reason: reasonOf(urgent) };
  }
  if (!container) return say('stale');
  const isLetThrough = isExcepted(container.beside, secondTag(probe.mac));
  if (!isLetThrough && isInRange(container.beside.ranges, probe.digits, now)) return say('range-listed');
  const found = isLetThrough ? absent : findCard(container, probe);
  if (found >= 0) return { answer: 'listed', reason: reasonOf(found) };
  return say(found === absent && isFresh ? 'clear' : 'stale');
}

/** Looks a card up in the list alone. A card that an exact list cannot hold is `damaged`: nothing is known of it. */
export function findCard(container: Container, { mac, permuted }: CardProbe): number {
  if (container.codec === 'KH') return container.find(0, hashTag(mac, container.hashBits));
  return permuted ? container.find(permuted.partition, permuted.tag) : damaged;
}
