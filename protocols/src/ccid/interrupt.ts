import { fail, ok, type Result } from '../kit/index.ts';
import type { CcidCode } from './header.ts';

/** One slot in a NotifySlotChange. */
export interface SlotChange {
  readonly isPresent: boolean;
  readonly hasChanged: boolean;
}

/** A message of the interrupt endpoint. CCID 1.1, 6.3. */
export type Interrupt =
  /** A hint only: ask for the state with getSlotStatus after each one. */
  | { readonly type: 'notifySlotChange'; readonly slots: readonly SlotChange[] }
  | { readonly type: 'hardwareError'; readonly slot: number; readonly seq: number; readonly code: number };

/** Slots of the largest reader that the class allows (bMaxSlotIndex is a byte). */
const slotsMax = 256;

/** Reads an interrupt message. A byte tells of four slots; slots beyond the reader's own are reported as absent. */
export function decodeInterrupt(bytes: Uint8Array): Result<Interrupt, CcidCode> {
  const [type, slot, seq, code] = bytes;
  if (type === undefined) return fail('CCID_TRUNCATED', { offset: 0 });
  if (type === 0x51) {
    if (slot === undefined || seq === undefined || code === undefined)
      return fail('CCID_TRUNCATED', { offset: bytes.length });
    if (bytes.length > 4) return fail('CCID_LENGTH_WRONG', { offset: 4 });
    return ok({ type: 'hardwareError', slot, seq, code });
  }
  if (type !== 0x50) return fail('CCID_MESSAGE_UNKNOWN', { offset: 0, facts: { type } });
  if (bytes.length < 2) return fail('CCID_TRUNCATED', { offset: 1 });
  if (bytes.length > 1 + slotsMax / 4) return fail('CCID_TOO_LONG', { offset: 1 + slotsMax / 4 });
  const slots: SlotChange[] = [];
  for (let at = 1; at < bytes.length; at++) {
    const bits = bytes[at] ?? 0;
    for (let shift = 0; shift < 8; shift += 2)
      slots.push({ isPresent: ((bits >> shift) & 1) !== 0, hasChanged: ((bits >> shift) & 2) !== 0 });
  }
  return ok({ type: 'notifySlotChange', slots });
}

/** Writes an interrupt message. */
export function encodeInterrupt(message: Interrupt): Uint8Array {
  if (message.type === 'hardwareError') return Uint8Array.of(0x51, message.slot, message.seq, message.code);
  const bytes = new Uint8Array(1 + Math.max(1, Math.ceil(message.slots.length / 4)));
  bytes[0] = 0x50;
  message.slots.forEach(({ isPresent, hasChanged }, slot) => {
    const at = 1 + (slot >> 2);
    bytes[at] = (bytes[at] ?? 0) | (((isPresent ? 1 : 0) | (hasChanged ? 2 : 0)) << ((slot & 3) * 2));
  });
  return bytes;
}
