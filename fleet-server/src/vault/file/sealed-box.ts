import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { concat } from '@tsunagu/protocols/kit';

const ivLength = 12;
const tagLength = 16;

/** AES-256-GCM: a random 96-bit IV, the ciphertext, the tag. `context` is authenticated with it. NIST SP 800-38D. */
export function sealBox(key: Uint8Array | KeyObject, iv: Uint8Array, context: string, clear: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagLength });
  cipher.setAAD(Buffer.from(context, 'utf8'));
  const enciphered = cipher.update(clear);
  cipher.final();
  return concat(iv, enciphered, cipher.getAuthTag());
}

/** Opens a box; undefined when key, context or bytes are not those it was sealed with. */
export function openBox(key: Uint8Array | KeyObject, context: string, box: Uint8Array): Uint8Array | undefined {
  if (box.length < ivLength + tagLength) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, ivLength), { authTagLength: tagLength });
  decipher.setAAD(Buffer.from(context, 'utf8'));
  decipher.setAuthTag(box.subarray(box.length - tagLength));
  try {
    return concat(decipher.update(box.subarray(ivLength, box.length - tagLength)), decipher.final());
  } catch {
    return undefined;
  }
}
