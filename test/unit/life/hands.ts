import { generateKeyPairSync, sign } from 'node:crypto';
import {
  type Handover,
  handoverHash,
  type Holder,
  noCustody,
  type SignedHandover,
  signHand,
} from '@tsunagu/protocols/custody';
import { keyIdOf, serialSchema } from '@tsunagu/protocols/fleet';

/** Somebody with a key. */
export function hand(name: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const spki = Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }));
  const holder: Holder = { kid: keyIdOf(spki), name, publicKey: Buffer.from(spki).toString('base64') };
  return { holder, publicKey: spki, sign: (bytes: Uint8Array) => Uint8Array.from(sign(null, bytes, privateKey)) };
}
export type Hand = ReturnType<typeof hand>;

/** A chain of hand-overs of one terminal. */
export function chainOf(serial: string) {
  let head = noCustody;
  return {
    next(from: Hand, to: Hand, more: Partial<Handover> = {}): SignedHandover {
      const body: Handover = {
        v: 1,
        serial: serialSchema.parse(serial),
        seq: head.seq + 1,
        prev: head.hash,
        at: new Date(1_700_000_000_000 + head.seq * 60_000).toISOString(),
        from: from.holder.kid,
        to: to.holder.kid,
        bag: null,
        photo: null,
        place: '倉庫',
        ...more,
      };
      const payload = JSON.stringify(body);
      const signed = { payload, giver: signHand(payload, from), receiver: signHand(payload, to) };
      head = { seq: body.seq, hash: handoverHash(signed), holder: body.to };
      return signed;
    },
  };
}

/** Of a terminal that the house never heard of. */
export const unheard = () => Promise.resolve({ isConnected: false, at: null, waiting: 0 });
