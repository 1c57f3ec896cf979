import { createHash, scrypt, timingSafeEqual } from 'node:crypto';
import type { World } from '@tsunagu/protocols/world';

/** Tokens are 256 random bits, so a plain SHA-256 of one cannot be turned back. */
export const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex');

export const freshToken = (world: Pick<World, 'entropy'>): string =>
  Buffer.from(world.entropy(32)).toString('base64url');

/** RFC 7914: N = 2^15, r = 8, 32 MiB. */
const cost = { N: 2 ** 15, r: 8, p: 1 };

const derive = (passphrase: string, salt: Buffer, { N, r, p }: typeof cost): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFKC'), salt, 32, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });

/** A passphrase as it is stored. */
export async function keepPassphrase(world: Pick<World, 'entropy'>, passphrase: string): Promise<string> {
  const salt = Buffer.from(world.entropy(16));
  const key = await derive(passphrase, salt, cost);
  return `scrypt$${cost.N}$${cost.r}$${cost.p}$${salt.toString('base64')}$${key.toString('base64')}`;
}

/** Whether it is the one; takes as long where there is none to compare with. */
export async function isPassphrase(stored: string | null, passphrase: string): Promise<boolean> {
  const [, N, r, p, salt, key] = (stored ?? `scrypt$${cost.N}$8$1$${'A'.repeat(22)}==$`).split('$');
  const derived = await derive(passphrase, Buffer.from(salt ?? '', 'base64'), {
    N: Number(N),
    r: Number(r),
    p: Number(p),
  });
  const wanted = Buffer.from(key ?? '', 'base64');
  return wanted.length === derived.length && timingSafeEqual(wanted, derived);
}
