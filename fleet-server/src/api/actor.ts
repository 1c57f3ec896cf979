import { FaultError } from '@tsunagu/protocols/kit';
import type { FastifyRequest } from 'fastify';
import type { Actor } from './ports.ts';

/** Who asks for a change. Routes that make one always have a caller. */
export function actorOf(request: FastifyRequest): Actor {
  if (!request.caller) throw new FaultError({ code: 'UNAUTHENTICATED' });
  return { subject: request.caller.subject };
}
