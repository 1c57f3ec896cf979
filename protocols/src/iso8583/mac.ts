import { equalInConstantTime, fail, ok, type Result } from '../kit/index.ts';
import type { DecodeCode } from './decode.ts';
import type { EncodeCode } from './encode.ts';
import { wireForm } from './layout.ts';
import type { DecodedMessage, Message } from './message.ts';
import type { MessageCodec } from './profile.ts';

/** Computes the MAC of some bytes under the key of a link; its leftmost eight bytes are used. */
export type MacFunction = (bytes: Uint8Array) => Uint8Array;

/** Where the MAC stands and how long it is. */
export interface MacOptions {
  /** 64, or 128 with a secondary bitmap; the standard's choice when absent. */
  readonly element?: 64 | 128;
  /** Bytes of the MAC that count; the rest of the element is zero. 8 when absent, 4 on links with the older 32-bit MAC. */
  readonly lengthBytes?: 4 | 8;
}

/** The element that holds the MAC of a message: 128 where an element above 64 is present, 64 otherwise. ISO 8583:1993, 4.3. */
export function macElement({ fields }: Message): 64 | 128 {
  return Object.keys(fields).some((key) => Number(key) > 64) ? 128 : 64;
}

/**
 * Writes a message with its MAC as the last element, over all bytes from the MTI up to it, its bit set.
 * FIELD_KIND of the element when the message already has one, or when another element would stand behind it.
 */
export function sealMac(
  codec: MessageCodec,
  message: Message,
  mac: MacFunction,
  options: MacOptions = {},
): Result<Uint8Array, EncodeCode> {
  const written = codec.encode(message);
  if (!written.ok) return written;
  const sealed = putBehind(codec, written.value, mac, options);
  // It holds what the sealed one holds, and nobody has it any more.
  written.value.fill(0);
  return sealed ? ok(sealed) : sealAnew(codec, message, mac, options);
}

/** As `sealMac`, for a message that is written already and has no MAC yet. Where it cannot be put behind, the message is read and written again, and has the faults of both. */
export function sealWritten(
  codec: MessageCodec,
  written: Uint8Array,
  mac: MacFunction,
  options: MacOptions = {},
): Result<Uint8Array, EncodeCode | DecodeCode> {
  const sealed = putBehind(codec, written, mac, options);
  if (sealed) return ok(sealed);
  const decoded = codec.decode(written);
  return decoded.ok ? sealAnew(codec, decoded.value, mac, options) : decoded;
}

/** Sets the bit of the MAC and puts it behind all else; undefined where bitmap or MAC are not bytes as they are, or there is one already, or it has another place. */
function putBehind(
  codec: MessageCodec,
  written: Uint8Array,
  mac: MacFunction,
  options: MacOptions,
): Uint8Array | undefined {
  const bitmapAt = codec.dialect.numbers === 'bcd' ? 2 : 4;
  const isLong = ((written[bitmapAt] ?? 0) & 0x80) !== 0;
  const element = isLong ? 128 : 64;
  const lastAt = bitmapAt + (isLong ? 15 : 7);
  const last = written[lastAt] ?? 1;
  const shape = codec.element(element);
  const isRaw = codec.dialect.bitmap === 'binary' && shape?.wireForm === wireForm.raw && shape.maxLength === 8;
  if (!isRaw || (last & 1) === 1 || (options.element ?? element) !== element) return undefined;
  const sealed = new Uint8Array(written.length + 8);
  sealed.set(written);
  sealed[lastAt] = last | 1;
  sealed.set(shortened(mac(sealed.subarray(0, written.length)), options), written.length);
  return sealed;
}

function sealAnew(
  codec: MessageCodec,
  message: Message,
  mac: MacFunction,
  options: MacOptions,
): Result<Uint8Array, EncodeCode> {
  const element = options.element ?? macElement(message);
  const isLast = Object.keys(message.fields).every((key) => Number(key) < element);
  if (!isLast || codec.element(element)?.type !== 'b') return fail('FIELD_KIND', { field: element });
  const bare = codec.encode({ mti: message.mti, fields: { ...message.fields, [element]: new Uint8Array(8) } });
  if (!bare.ok) return bare;
  const valueLength = codec.element(element)?.wireForm === wireForm.hex ? 16 : 8;
  const value = shortened(mac(bare.value.subarray(0, bare.value.length - valueLength)), options);
  if (value.length === valueLength) {
    // It stands last, as it is: nothing else of the message changes.
    bare.value.set(value, bare.value.length - valueLength);
    return bare;
  }
  return codec.encode({ mti: message.mti, fields: { ...message.fields, [element]: value } });
}

/**
 * Checks the MAC of a decoded message in constant time. BAD_MAC when it differs, when it is absent, or when it is not
 * the last element, for then it does not cover the whole message.
 */
export function verifyMac(
  message: DecodedMessage,
  mac: MacFunction,
  options: MacOptions = {},
): Result<undefined, 'BAD_MAC'> {
  const last = message.elements.at(-1);
  const element = options.element ?? (last === 128 ? 128 : 64);
  const covered = message.bytesBefore(element);
  const value = message.binary(element);
  if (last !== element || !covered || !value || !equalInConstantTime(value, shortened(mac(covered), options)))
    return fail('BAD_MAC', { field: element, ...(covered && { offset: covered.length }) });
  return ok(undefined);
}

function shortened(mac: Uint8Array, { lengthBytes = 8 }: MacOptions): Uint8Array {
  if (mac.length < lengthBytes) throw new Error(`a MAC of ${mac.length} bytes where ${lengthBytes} are needed`);
  const value = new Uint8Array(8);
  value.set(mac.subarray(0, lengthBytes));
  return value;
}
