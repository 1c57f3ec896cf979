import { FaultError } from '@tsunagu/protocols/kit';
import type { FastifyRequest } from 'fastify';

/** The header of every change of a document, for the description of the API. */
export const ifMatch = {
  name: 'If-Match',
  says: 'The ETag of the version that is changed, in quotes.',
  isRequired: true,
} as const;

/** The version that a change is made over. */
export function versionOf(request: FastifyRequest): number {
  const version = /^"(\d{1,9})"$/.exec(request.headers['if-match'] ?? '')?.[1];
  if (version === undefined) throw new FaultError({ code: 'PRECONDITION_REQUIRED', field: 'If-Match' });
  return Number(version);
}

export const etagOf = (version: number): string => `"${version}"`;
