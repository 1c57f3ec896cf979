import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { fail, ok, type Result, type Secret } from '../kit/index.ts';

/** Length of the key that traces are sealed with, bytes. */
export const sealKeyBytes = 32;
/** Length of a trace's salt, bytes. */
export const saltBytes = 16;
const tagBytes = 16;

/**
 * Seals the transfers of one trace with AES-256-GCM under a key of its own (HKDF-SHA-256 of the seal key and the trace's salt,
 * RFC 5869). The number of the step and its direction are the nonce and are authenticated, so a sealed transfer fits its own
 * place alone.
 */
export class TraceSeal {
  readonly #key: Uint8Array;

  constructor(key: Secret<'key'>, salt: Uint8Array) {
    this.#key = key.use((bytes) => new Uint8Array(hkdfSync('sha256', bytes, salt, 'tsunagu-trace-v1', sealKeyBytes)));
  }

  /** @returns ciphertext and tag, base64url */
  seal(step: number, direction: 'out' | 'in', data: Uint8Array): string {
    const nonce = nonceOf(step, direction);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    return Buffer.concat([cipher.update(data), cipher.final(), cipher.getAuthTag()]).toString('base64url');
  }

  open(step: number, direction: 'out' | 'in', sealed: string): Result<Uint8Array, 'TRACE_NOT_AUTHENTIC'> {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < tagBytes) return fail('TRACE_NOT_AUTHENTIC', { facts: { step } });
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonceOf(step, direction));
    decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
    try {
      const data = Buffer.concat([decipher.update(bytes.subarray(0, -tagBytes)), decipher.final()]);
      return ok(Uint8Array.from(data));
    } catch {
      return fail('TRACE_NOT_AUTHENTIC', { facts: { step } });
    }
  }

  wipe(): void {
    this.#key.fill(0);
  }
}

function nonceOf(step: number, direction: 'out' | 'in'): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(8, step);
  nonce[0] = direction === 'out' ? 1 : 2;
  return nonce;
}
