import { envelopeLengthMax } from '@tsunagu/protocols/fleet';

/** Where in its life a terminal was when it connected: its boots are counted on its disk, its messages since the boot. */
export interface Lineage {
  readonly boot: number;
  readonly seq: number;
}

/**
 * The lineage of a connection, from its last will; undefined when that is none of ours. Two numbers are looked at, by hand: it is done at each
 * connect, and the rest of a will is read when it speaks.
 */
export function lineageOf(will: { readonly payload?: string | Uint8Array } | undefined): Lineage | undefined {
  const { payload } = will ?? {};
  if (payload === undefined || payload.length > envelopeLengthMax) return undefined;
  let said: unknown;
  try {
    said = JSON.parse(typeof payload === 'string' ? payload : Buffer.from(payload).toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof said !== 'object' || said === null || !('boot' in said && 'seq' in said)) return undefined;
  const { boot, seq } = said;
  return isCount(boot) && isCount(seq) ? { boot, seq } : undefined;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/**
 * Whether a new connection can be the same device as the one before it. A device that reconnects has gone on: it counts the same
 * boot and a later message, or a later boot. Two devices with one key cannot both do that: at the latest when the first one comes
 * back, its count is behind. Without a lineage it cannot be told, and is not believed.
 */
export const isSameDevice = (before: Lineage | undefined, now: Lineage | undefined): boolean =>
  before !== undefined &&
  now !== undefined &&
  (now.boot > before.boot || (now.boot === before.boot && now.seq > before.seq));
