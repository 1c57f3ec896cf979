import { concat } from '@tsunagu/protocols/kit';

/** The DER form (X9.62) of an ECDSA signature that a token gives as r and s side by side. */
export function derOfSignature(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  const body = concat(integer(raw.subarray(0, half)), integer(raw.subarray(half)));
  return concat(Uint8Array.of(0x30, body.length), body);
}

function integer(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? Uint8Array.of(0) : bytes.subarray(first);
  const sign = (digits[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(0);
  return concat(Uint8Array.of(0x02, sign.length + digits.length), sign, digits);
}
