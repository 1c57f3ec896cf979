import type { Actor } from '@tsunagu/fleet-server/audit/index';
import {
  type CustodyHead,
  type Handover,
  handoverHash,
  type SignedHandover,
  signHand,
} from '@tsunagu/protocols/custody';
import type { Serial } from '@tsunagu/protocols/fleet';
import { type Hand, hand } from '../../unit/life/hands.ts';

export { type Hand } from '../../unit/life/hands.ts';

const person = (name: string, role: 'operator' | 'custodian' | 'admin'): Actor => ({
  subject: `token/${name}`,
  person: name,
  roles: [role],
});
export const operators = ['aoki', 'baba', 'chiba', 'doi'].map((name) => person(name, 'operator'));
export const custodians = ['endo', 'fujii', 'goto'].map((name) => person(name, 'custodian'));
export const admins = ['hara', 'ito'].map((name) => person(name, 'admin'));

/** A second token of the same human being, with a role that they should not have got. */
export const secondTokenOf = (one: Actor): Actor => ({
  ...one,
  subject: `${one.subject}/2`,
  roles: ['custodian', 'admin'],
});

/** Which human being is behind a subject: what the world knows, whatever the house believes. */
export const humanBehind = (subject: string): string => /^token\/([^/]+)/.exec(subject)?.[1] ?? subject;

/** Whose hands terminals pass through. */
export interface Hands {
  readonly maker: Hand;
  readonly depot: Hand;
  readonly carriers: readonly Hand[];
  readonly technicians: readonly Hand[];
  readonly workshop: Hand;
}
export const someHands = (): Hands => ({
  maker: hand('maker'),
  depot: hand('depot'),
  carriers: ['carrier one', 'carrier two'].map((name) => hand(name)),
  technicians: ['technician one', 'technician two', 'technician three'].map((name) => hand(name)),
  workshop: hand('workshop'),
});
export const everyHand = ({ maker, depot, carriers, technicians, workshop }: Hands): readonly Hand[] => [
  maker,
  depot,
  ...carriers,
  ...technicians,
  workshop,
];

/** A hand-over that continues a chain; `signers`: who holds the pen, where that is somebody else than who is named. */
export function handOver(
  serial: Serial,
  head: CustodyHead,
  [from, to]: readonly [Hand, Hand],
  { at, bag, signers = [from, to] }: { at: number; bag: string | null; signers?: readonly [Hand, Hand] },
): { readonly signed: SignedHandover; readonly head: CustodyHead } {
  const body: Handover = {
    v: 1,
    serial,
    seq: head.seq + 1,
    prev: head.hash,
    at: new Date(at).toISOString(),
    from: from.holder.kid,
    to: to.holder.kid,
    bag,
    photo: null,
    place: '倉庫',
  };
  const payload = JSON.stringify(body);
  const [giver, receiver] = [signHand(payload, signers[0]), signHand(payload, signers[1])];
  const signed: SignedHandover = {
    payload,
    giver: { ...giver, kid: from.holder.kid },
    receiver: { ...receiver, kid: to.holder.kid },
  };
  return { signed, head: { seq: body.seq, hash: handoverHash(signed), holder: to.holder.kid } };
}
