import { concat, fail, ok, type Result } from '../kit/index.ts';

/** What the driver asks of the card. */
export type VpcdRequest =
  | { readonly type: 'powerOff' }
  | { readonly type: 'powerOn' }
  | { readonly type: 'reset' }
  /** The one control request that is answered: with the ATR. It is asked again and again, to see whether the card is there. */
  | { readonly type: 'atr' }
  | { readonly type: 'apdu'; readonly apdu: Uint8Array };

const controls = { powerOff: 0, powerOn: 1, reset: 2, atr: 4 } as const;

/** Longest payload: the length field has 16 bits. */
export const vpcdPayloadBytesMax = 0xffff;

/** Writes a frame: two bytes of length, big-endian, then the payload. */
export function encodeVpcdFrame(payload: Uint8Array): Uint8Array {
  if (payload.length > vpcdPayloadBytesMax) throw new Error(`a vpcd frame of ${payload.length} bytes`);
  return concat(Uint8Array.of(payload.length >> 8, payload.length & 0xff), payload);
}

/** Takes the payload of one frame off the head of a stream; undefined means: wait for more. */
export function takeVpcdFrame(
  bytes: Uint8Array,
): { readonly payload: Uint8Array; readonly lengthBytes: number } | undefined {
  const [high, low] = bytes;
  if (high === undefined || low === undefined) return undefined;
  const lengthBytes = 2 + ((high << 8) | low);
  return bytes.length < lengthBytes ? undefined : { payload: bytes.slice(2, lengthBytes), lengthBytes };
}

/** What a payload asks. One byte is a control request, more are a command APDU (at least four bytes). */
export function readVpcdRequest(payload: Uint8Array): Result<VpcdRequest, 'VPCD_INVALID'> {
  if (payload.length >= 4) return ok({ type: 'apdu', apdu: payload });
  if (payload.length !== 1) return fail('VPCD_INVALID', { field: 'length', facts: { length: payload.length } });
  const [control] = payload;
  switch (control) {
    case controls.powerOff:
      return ok({ type: 'powerOff' });
    case controls.powerOn:
      return ok({ type: 'powerOn' });
    case controls.reset:
      return ok({ type: 'reset' });
    case controls.atr:
      return ok({ type: 'atr' });
    default:
      return fail('VPCD_INVALID', { field: 'control', facts: { control: control ?? 0 } });
  }
}

/** The payload that asks something; the driver's side. */
export const encodeVpcdRequest = (request: VpcdRequest): Uint8Array =>
  request.type === 'apdu' ? request.apdu : Uint8Array.of(controls[request.type]);
