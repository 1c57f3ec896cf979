import type { IssuerLink } from '../issuer-link/issuer-link.ts';
import type { Numbers } from '../journal/numbers.ts';
import type { Mismatch, Unmatched } from '../link/matching.ts';
import type { Face } from './asking.ts';
import type { Lane } from './store-and-forward.ts';

/** The links and what goes over them, by id. */
export interface Roads {
  link(id: string | undefined): IssuerLink | undefined;
  numbers(link: string): Numbers;
  lane(link: string): Lane;
  /** An answer that is not that of the request which it came for: an operator wants to see why. */
  unmatched(link: string, answer: Unmatched, why: Mismatch): void;
  /** How answers to a place of origin are written. */
  face(origin: string): Face;
}

/** A trace number of the link that a transaction went over; nothing for one that went nowhere. */
export const nextStan = async (roads: Pick<Roads, 'numbers'>, link: string | null): Promise<string> =>
  link === null ? '' : await roads.numbers(link).next();
