import { type Permission, permissionsOf, type Role, role, roles } from '@tsunagu/protocols/fleet';
import { z } from 'zod';
import type { Actor } from '../../audit/index.ts';

/** Who a request comes from, and until when that holds. */
export interface Caller extends Required<Omit<Actor, 'person'>> {
  /** The person behind it. */
  readonly person: string;
  /** Its widest role, for showing. */
  readonly role: Role;
  /** Only terminals there; undefined for everywhere. `merchant` or `merchant/shop`. */
  readonly places: readonly string[] | undefined;
  /** Milliseconds since 1970; undefined for what has no end. */
  readonly expiresAt: number | undefined;
  /** Which token or session it is. */
  readonly id: string;
}

/** A list of roles as it is stored. */
export const readRoles = (text: string): readonly Role[] => z.array(role).parse(JSON.parse(text));

export const widest = (held: readonly Role[]): Role => roles.find((each) => held.includes(each)) ?? 'viewer';

/** Whether a place is within what a token is for. */
export const isPlaceWithin = (
  places: readonly string[],
  { merchant, shop }: { merchant: string; shop: string },
): boolean => places.some((place) => place === merchant || place === `${merchant}/${shop}`);

/** What somebody may do: all that the roles allow, or the part of it that was named. */
export const allowed = (held: readonly Role[], narrowed: readonly Permission[] | null): ReadonlySet<Permission> => {
  const all = permissionsOf(held);
  return narrowed === null ? all : new Set(narrowed.filter((each) => all.has(each)));
};
