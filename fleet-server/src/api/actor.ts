import { FaultError } from '@tsunagu/protocols/kit';
import type { FastifyRequest } from 'fastify';
import type { Caller } from './access/index.ts';
import { permissionsOfRoute } from './permission.ts';

/**
 * Who asks for a change: with those of the caller's permissions that the route names, and no others. So what the description of the API says a route can
 * ask for is all that it ever asks for. Routes that make a change always have a caller.
 */
export function actorOf({ caller, routeOptions }: FastifyRequest): Caller {
  if (!caller) throw new FaultError({ code: 'UNAUTHENTICATED' });
  const named = permissionsOfRoute(routeOptions.config);
  return { ...caller, permissions: new Set(named.filter((each) => caller.permissions.has(each))) };
}

/** Who calls, with everything that they may do. */
export function callerOf({ caller }: FastifyRequest): Caller {
  if (!caller) throw new FaultError({ code: 'UNAUTHENTICATED' });
  return caller;
}
