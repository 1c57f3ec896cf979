import { z } from 'zod';
import { canonicalJson, sha256 } from '../audit/canonical.ts';
import { photoHash, sealNumber } from '../fleet/evidence.ts';
import { serialSchema } from '../fleet/identity.ts';
import { parseJson } from '../fleet/parse.ts';
import { keyIdOf, openDocument, signDocumentBy, signedDocument } from '../fleet/signed.ts';
import { fail, ok, type Result } from '../kit/index.ts';

/** What a hand-over is signed for. */
export const custodyPurpose = 'tsunagu-custody-v1';
/** What a technician's or a receiver's key file is for (`protocols/key-file`). */
export const custodyKeyPurpose = 'custody';
/** What the first hand-over of a terminal stands on. */
export const custodyGenesis = '0'.repeat(64);

const kid = z.string().regex(/^[0-9a-f]{16}$/);
const hash = z.string().regex(/^[0-9a-f]{64}$/);

export const holder = z
  .strictObject({
    kid,
    name: z.string().min(1).max(60).describe('Who holds the key: a person, a depot, a carrier, a shop.'),
    publicKey: z.base64().max(200).describe('Ed25519 public key: SPKI, DER, base64.'),
    revokedAt: z.iso.datetime().optional().describe('From then on the hand does not count: its key was lost.'),
    successor: kid.optional().describe('The key that took over what a revoked one held.'),
  })
  .describe('Somebody whose hand counts.');
export type Holder = z.infer<typeof holder>;

/** Whether a hand counted at a moment, milliseconds since 1970. */
export const countedAt = ({ revokedAt }: Holder, at: number): boolean =>
  revokedAt === undefined || at < Date.parse(revokedAt);

export const handover = z
  .strictObject({
    v: z.literal(1),
    serial: serialSchema,
    seq: z.number().int().min(1).describe('Counts the hand-overs of a terminal from 1.'),
    prev: hash.describe('Hash of the hand-over before; 64 zeros before the first.'),
    at: z.iso.datetime().describe('When, by the clock of whoever gives.'),
    from: kid.describe('Whose hands it leaves.'),
    to: kid.describe('Whose hands it comes to.'),
    bag: sealNumber.nullable().describe('The bag that it is in, as both hands read it; null outside of one.'),
    photo: photoHash.nullable().describe('SHA-256 of the photo file, hex; null without one.'),
    place: z.string().max(80).describe('Where.'),
  })
  .describe('What both hands sign.');
export type Handover = z.infer<typeof handover>;

const payload = signedDocument.shape.payload;
const hand = z.strictObject({ kid, sig: signedDocument.shape.sig });
export const offeredHandover = z
  .strictObject({ payload, giver: hand })
  .describe('A hand-over that the giver has signed, on its way to the receiver.');
/** A hand-over that waits for its second hand. */
export type OfferedHandover = z.infer<typeof offeredHandover>;
export const signedHandover = z
  .strictObject({ payload, giver: hand, receiver: hand })
  .describe('A hand-over with both signatures (Ed25519 over `tsunagu-custody-v1`, a line feed and the payload).');
/** A hand-over with both hands. */
export type SignedHandover = z.infer<typeof signedHandover>;

/** Signs with the key of one hand. */
export function signHand(
  text: string,
  key: { readonly publicKey: Uint8Array; sign(bytes: Uint8Array): Uint8Array },
): z.infer<typeof hand> {
  const { kid: id, sig } = signDocumentBy(custodyPurpose, text, keyIdOf(key.publicKey), (bytes) => key.sign(bytes));
  return { kid: id, sig };
}

/** What a further hand-over names as `prev`. */
export const handoverHash = (signed: SignedHandover): string => sha256(canonicalJson(signed));

/** Where the chain of a terminal ends. */
export interface CustodyHead {
  readonly seq: number;
  readonly hash: string;
  /** In whose hands it is; null before the first hand-over. */
  readonly holder: string | null;
}
/** The end of a chain that nobody has begun. */
export const noCustody: CustodyHead = { seq: 0, hash: custodyGenesis, holder: null };

/** What can be wrong with a hand-over. */
export type CustodyFault =
  | 'CUSTODY_INVALID'
  | 'CUSTODY_HOLDER_UNKNOWN'
  | 'CUSTODY_HOLDER_REVOKED'
  | 'CUSTODY_NOT_AUTHENTIC'
  | 'CUSTODY_CHAIN_BROKEN'
  | 'CUSTODY_GAP';

const isSigned = (text: string, { kid: id, sig }: z.infer<typeof hand>, { publicKey }: Holder): boolean => {
  try {
    return openDocument(custodyPurpose, { payload: text, kid: id, sig }, { kid: id, publicKey }).ok;
  } catch {
    return false;
  }
};

/**
 * Opens a hand-over and holds it against the chain that it continues. Order of faults: unreadable, a hand that is not known or not its
 * own, a signature that is not genuine, another number or hash than the chain's end, hands that it did not come from, a hand that did
 * not count any more when it signed. What a revoked hand held is given away by its successor.
 */
export function openHandover(
  signed: SignedHandover,
  holders: ReadonlyMap<string, Holder>,
  head: CustodyHead,
): Result<{ readonly handover: Handover; readonly head: CustodyHead }, CustodyFault> {
  const read = parseJson(handover, signed.payload, 65_536);
  if (!read.ok) return fail('CUSTODY_INVALID');
  const { from, to, seq, prev, serial } = read.value;
  const [giver, receiver] = [holders.get(from), holders.get(to)];
  if (!giver || !receiver || from === to) return fail('CUSTODY_HOLDER_UNKNOWN', { facts: { serial, from, to } });
  const isAuthentic =
    signed.giver.kid === from &&
    signed.receiver.kid === to &&
    isSigned(signed.payload, signed.giver, giver) &&
    isSigned(signed.payload, signed.receiver, receiver);
  if (!isAuthentic) return fail('CUSTODY_NOT_AUTHENTIC', { facts: { serial, seq } });
  if (seq !== head.seq + 1 || prev !== head.hash)
    return fail('CUSTODY_CHAIN_BROKEN', { facts: { serial, seq, expected: head.seq + 1 } });
  if (head.holder !== null && head.holder !== from && holders.get(head.holder)?.successor !== from)
    return fail('CUSTODY_GAP', { facts: { serial, seq, from } });
  const gone = [giver, receiver].find((one) => !countedAt(one, Date.parse(read.value.at)));
  if (gone) return fail('CUSTODY_HOLDER_REVOKED', { facts: { serial, seq, kid: gone.kid } });
  return ok({ handover: read.value, head: { seq, hash: handoverHash(signed), holder: to } });
}
