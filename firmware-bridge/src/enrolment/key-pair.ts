import { createECDH, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { World } from '@tsunagu/protocols/world';

const triesMax = 8;

/** A fresh P-256 key pair out of the world's entropy (FIPS 186-5, A.2.2: a number that is no scalar is thrown away). */
export function p256KeyPair(world: Pick<World, 'entropy'>): {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
} {
  const curve = createECDH('prime256v1');
  for (let tries = 0; tries < triesMax; tries++) {
    const scalar = world.entropy(32);
    try {
      curve.setPrivateKey(scalar);
    } catch {
      continue; // 0, or not below the order: one in 2^32.
    }
    const point = curve.getPublicKey();
    const jwk = {
      kty: 'EC',
      crv: 'P-256',
      d: Buffer.from(scalar).toString('base64url'),
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    };
    scalar.fill(0);
    const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
    return { privateKey, publicKey: createPublicKey(privateKey) };
  }
  throw new Error('the source of entropy gives no scalar');
}
