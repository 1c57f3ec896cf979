import { envelope, parseJson } from '@tsunagu/protocols/fleet';

/** The rest of a will is read when it speaks. */
const lineage = envelope.pick({ boot: true, seq: true });

/** Where in its life a terminal was when it connected: its boots are counted on its disk, its messages since the boot. */
export interface Lineage {
  readonly boot: number;
  readonly seq: number;
}

/** The lineage of a connection, from its last will; undefined when that is none of ours. */
export function lineageOf(will: { readonly payload?: string | Uint8Array } | undefined): Lineage | undefined {
  if (will?.payload === undefined) return undefined;
  const read = parseJson(lineage, will.payload);
  return read.ok ? read.value : undefined;
}

/**
 * Whether a new connection can be the same device as the one before it. A device that reconnects has gone on: it counts the same
 * boot and a later message, or a later boot. Two devices with one key cannot both do that: at the latest when the first one comes
 * back, its count is behind. Without a lineage it cannot be told, and is not believed.
 */
export const isSameDevice = (before: Lineage | undefined, now: Lineage | undefined): boolean =>
  before !== undefined &&
  now !== undefined &&
  (now.boot > before.boot || (now.boot === before.boot && now.seq > before.seq));
