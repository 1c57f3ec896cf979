import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concat, fail, ok, type Result, type Secret } from '../kit/index.ts';
import { computeMac } from '../mac/index.ts';

/**
 * A whole message under the data key of a zone, in place of the message in its frame: a mark that no message type indicator begins with (in text,
 * packed digits and EBCDIC alike), three bytes that tell which key, a nonce, the message, and its tag. AES-128-GCM (NIST SP 800-38D).
 */
export const zoneFrame = { mark: 0xe1, keyIdBytes: 3, nonceBytes: 12, tagBytes: 16 } as const;

const headerBytes = 1 + zoneFrame.keyIdBytes;
const shortest = headerBytes + zoneFrame.nonceBytes + zoneFrame.tagBytes;

/** Whether the bytes of a frame are an enciphered message. */
export const isZoneFrame = (bytes: Uint8Array): boolean => bytes[0] === zoneFrame.mark;

/** Enciphers a message. `nonce` has 12 bytes and is never used again under this key. */
export function sealZoneFrame(key: Secret<'key'>, nonce: Uint8Array, message: Uint8Array): Uint8Array {
  const header = headerOf(key);
  return key.use((bytes) => {
    const cipher = createCipheriv('aes-128-gcm', bytes, nonce, { authTagLength: zoneFrame.tagBytes });
    cipher.setAAD(header);
    const enciphered = cipher.update(message);
    cipher.final();
    return concat(header, nonce, enciphered, cipher.getAuthTag());
  });
}

/** Deciphers a message. One and the same ACQUIRING_FRAME_NOT_AUTHENTIC whatever is wrong with it. */
export function openZoneFrame(
  key: Secret<'key'>,
  sealed: Uint8Array,
): Result<Uint8Array, 'ACQUIRING_FRAME_NOT_AUTHENTIC'> {
  const header = headerOf(key);
  if (sealed.length < shortest || !header.every((byte, index) => sealed[index] === byte))
    return fail('ACQUIRING_FRAME_NOT_AUTHENTIC');
  const nonce = sealed.subarray(headerBytes, headerBytes + zoneFrame.nonceBytes);
  const end = sealed.length - zoneFrame.tagBytes;
  return key.use((bytes) => {
    const decipher = createDecipheriv('aes-128-gcm', bytes, nonce, { authTagLength: zoneFrame.tagBytes });
    decipher.setAAD(header);
    decipher.setAuthTag(sealed.subarray(end));
    try {
      const clear = decipher.update(sealed.subarray(headerBytes + zoneFrame.nonceBytes, end));
      // Nothing comes at the end of GCM but the verdict.
      decipher.final();
      return ok(new Uint8Array(clear.buffer, clear.byteOffset, clear.length));
    } catch {
      return fail('ACQUIRING_FRAME_NOT_AUTHENTIC');
    }
  });
}

/** Headers by key: a check value is public, and costs more than the rest of a frame. */
const headers = new WeakMap<Secret<'key'>, Uint8Array>();

/** Mark and check value: the first three bytes of the CMAC of a block of zeros. X9.24-1:2017, annex A. */
function headerOf(key: Secret<'key'>): Uint8Array {
  const known = headers.get(key);
  if (known) return known;
  const check = computeMac({ kind: 'CMAC', cipher: 'AES' }, key, new Uint8Array(16));
  if (!check.ok) throw new Error('the data key of a zone has 16 bytes');
  const header = concat(Uint8Array.of(zoneFrame.mark), check.value.subarray(0, zoneFrame.keyIdBytes));
  headers.set(key, header);
  return header;
}
