import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { z } from 'zod';
import { concat, Secret } from '../kit/index.ts';
import { p256Key } from '../x509/index.ts';

const base64 = z.string().regex(/^[A-Za-z0-9+/]+=*$/);
/** A private key on its way from a server to somebody who showed a public key: nobody between the two can read it. */
export const parcel = z
  .object({
    sender: base64.max(256).describe('Ephemeral P-256 key of the sender: SPKI DER, base64.'),
    box: base64.max(1_024).describe('AES-256-GCM: IV of 12 bytes, the key (PKCS #8, DER), tag of 16 bytes; base64.'),
  })
  .describe('A key that is wrapped for one receiver: ECDH (P-256), HKDF-SHA-256, AES-256-GCM.');
export type Parcel = z.infer<typeof parcel>;

const info = 'tsunagu-key-parcel-v1';

function keyBetween(own: KeyObject, peer: KeyObject, sender: Uint8Array, receiver: Uint8Array): Buffer {
  const shared = diffieHellman({ privateKey: own, publicKey: peer });
  const key = Buffer.from(hkdfSync('sha256', shared, concat(sender, receiver), info, 32));
  shared.fill(0);
  return key;
}

/** Wraps a key for the holder of `receiver` (SPKI, base64). undefined when that is no P-256 key. */
export function packParcel(
  key: Secret<'key'>,
  receiver: string,
  entropy: (lengthBytes: number) => Uint8Array,
): Parcel | undefined {
  const receiverSpki = Buffer.from(receiver, 'base64');
  const peer = p256Key(receiverSpki);
  if (!peer) return undefined;
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const sender = own.publicKey.export({ format: 'der', type: 'spki' });
  const wrapping = keyBetween(own.privateKey, peer, sender, receiverSpki);
  const iv = entropy(12);
  const cipher = createCipheriv('aes-256-gcm', wrapping, iv);
  const box = key.use((bytes) => concat(iv, cipher.update(bytes), cipher.final(), cipher.getAuthTag()));
  wrapping.fill(0);
  return { sender: sender.toString('base64'), box: Buffer.from(box).toString('base64') };
}

/** Opens a parcel with the private key that it was packed for; undefined when it was packed for another, or was changed. */
export function openParcel({ sender, box }: Parcel, own: KeyObject): Secret<'key'> | undefined {
  const senderSpki = Buffer.from(sender, 'base64');
  const peer = p256Key(senderSpki);
  const bytes = Buffer.from(box, 'base64');
  if (!peer || bytes.length < 12 + 16 + 1) return undefined;
  const receiver = createPublicKey(own).export({ format: 'der', type: 'spki' });
  const wrapping = keyBetween(own, peer, senderSpki, receiver);
  try {
    const decipher = createDecipheriv('aes-256-gcm', wrapping, bytes.subarray(0, 12), { authTagLength: 16 });
    decipher.setAuthTag(bytes.subarray(bytes.length - 16));
    return Secret.take('key', concat(decipher.update(bytes.subarray(12, bytes.length - 16)), decipher.final()));
  } catch {
    return undefined;
  } finally {
    wrapping.fill(0);
  }
}
