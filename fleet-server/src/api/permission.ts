import type { ErrorCode } from '@tsunagu/protocols/errors';
import { type Permission, permissionOfRole, type Role } from '@tsunagu/protocols/fleet';
import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import type { Change } from '../audit/index.ts';
import type { Caller } from './access/index.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined;
    /** The change that it asks for, while it is worked on. */
    change: Change | undefined;
    /** The `Idempotency-Key` that it holds, until its answer is kept. */
    claimed: { readonly name: string; readonly fingerprint: string } | undefined;
    /** Why it was refused. */
    refusedFor: ErrorCode | undefined;
    /** When it came, on the clock that never steps. */
    startedMs: number;
  }
  interface FastifyContextConfig {
    /** The least role that may call this. */
    role?: Role;
    /** What one has to be allowed to call this. */
    permission?: Permission;
    /** What one has to be allowed besides for some of what its body can ask for. `actorOf` hands on no other permission than these. */
    further?: readonly Permission[];
    /** Open to everybody. A route says one of these three, or it is not registered. */
    isOpen?: boolean;
    /** Every POST is: repeats with the same `Idempotency-Key` get the first answer. */
    isIdempotent?: boolean;
    /** The route keeps a caller within its places by itself; others are closed to one that has places, unless they name a serial. */
    isPlaced?: boolean;
    /** The `id` in its address is that of a job: a caller that has places gets to those of terminals there. */
    isOfJob?: boolean;
    /** What a change is about when the address does not say it: a kind before the `id`, such as `person`. */
    subject?: string;
    /** A header that the route reads by itself, for the description of the API. */
    header?: { readonly name: string; readonly says: string; readonly isRequired?: boolean };
  }
}

/** What a request needs to be allowed; undefined where everybody may. */
export const permissionOf = (request: FastifyRequest): Permission | undefined =>
  permissionOfRoute(request.routeOptions.config);
/** The same of a route by what it says of itself: the description of the API reads it here too. */
export const permissionOfRoute = ({ role, permission }: FastifyContextConfig): Permission | undefined =>
  permission ?? (role && permissionOfRole[role]);

/** All that somebody can be asked to be allowed for what a route does. */
export const permissionsOfRoute = (config: FastifyContextConfig): readonly Permission[] => {
  const needs = permissionOfRoute(config);
  return needs === undefined ? [] : [needs, ...(config.further ?? [])];
};
