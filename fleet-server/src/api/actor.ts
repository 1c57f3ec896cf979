import { FaultError } from '@tsunagu/protocols/kit';
import type { FastifyRequest } from 'fastify';
import type { Caller } from './access/index.ts';

/** Who asks for a change. Routes that make one always have a caller. */
export function actorOf(request: FastifyRequest): Caller {
  if (!request.caller) throw new FaultError({ code: 'UNAUTHENTICATED' });
  return request.caller;
}
