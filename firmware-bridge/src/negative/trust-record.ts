import {
  decodeHead,
  decodeManifest,
  decodeRoot,
  encodeHead,
  encodeManifest,
  encodeRoot,
  type TrustState,
} from '@tsunagu/protocols/negative/authority';
import { z } from 'zod';
import { sealedRecord } from '../sealed-store/index.ts';

/** One of the two places for a container: the one in force is never written. */
export const slots = ['A', 'B'] as const;
export type Slot = (typeof slots)[number];

const base64 = z.string().regex(/^[A-Za-z0-9+/]*=*$/);
const whole = z.number().int().nonnegative();

/** The list that every terminal holds. */
export const regularList = 'regular';
/** What stands behind a name: the regular list was there before there were others. */
const suffixOf = (list: string): string => (list === regularList ? '' : `-list-${list}`);

const trustFacts = z.object({
  slot: z.enum(slots).nullable(),
  /** Payloads of documents that were accepted. */
  root: base64,
  head: base64.nullable(),
  applied: base64.nullable(),
  overlay: z.array(whole).max(8_192),
  overlaySeq: whole,
  emergency: z.object({ since: whole, count: whole }),
  /** Left out in records that are older than it. */
  letGo: z.object({ cards: z.number().nonnegative(), at: whole }).optional(),
  freshAt: whole,
  timeFloor: whole,
  offline: z.object({ count: whole, amountMinor: whole }),
});
type Record = z.output<typeof trustFacts>;

/** What a terminal knows of a negative list, as it lies in the store: the pointer to the container in force, and the trust state. */
export const trustRecord = (list: string) => sealedRecord(`negative-trust${suffixOf(list)}`, trustFacts);
/** The file of a place. */
export const slotFile = (list: string, slot: Slot): string => `negative${suffixOf(list)}-${slot}.nfs`;

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytesOf = (encoded: string): Uint8Array => Uint8Array.from(Buffer.from(encoded, 'base64'));

export const recordOf = (state: TrustState, slot: Slot | null): Record => ({
  slot,
  root: text(encodeRoot(state.root)),
  head: state.head && text(encodeHead(state.head)),
  applied: state.applied && text(encodeManifest(state.applied)),
  overlay: [...state.overlay],
  overlaySeq: state.overlaySeq,
  emergency: state.emergency,
  letGo: state.letGo,
  freshAt: state.freshAt,
  timeFloor: state.timeFloor,
  offline: state.offline,
});

/** The state of a record; undefined when one of its documents is not what this program writes. */
export function stateOf(list: string, record: Record): TrustState | undefined {
  const root = decodeRoot(bytesOf(record.root));
  const head = record.head === null ? undefined : decodeHead(bytesOf(record.head));
  const applied = record.applied === null ? undefined : decodeManifest(bytesOf(record.applied));
  if (!root.ok || head?.ok === false || applied?.ok === false) return undefined;
  return {
    list,
    root: root.value,
    head: head?.value ?? null,
    applied: applied?.value ?? null,
    overlay: Float64Array.from(record.overlay),
    overlaySeq: record.overlaySeq,
    emergency: record.emergency,
    letGo: record.letGo ?? { cards: 0, at: record.timeFloor },
    freshAt: record.freshAt,
    timeFloor: record.timeFloor,
    offline: record.offline,
  };
}
