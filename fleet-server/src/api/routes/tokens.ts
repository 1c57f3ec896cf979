import { apiToken, type ApiTokenView, createdToken, createToken, page } from '@tsunagu/protocols/fleet';
import { FaultError, unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { byId } from '../by-id.ts';
import { isoTime } from '../../store/index.ts';
import { allowed } from '../access/caller.ts';
import type { Access, ApiToken, Caller } from '../access/index.ts';
import { callerOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { answerPage, listQuery, sliceOf } from '../list-query.ts';
import { refused } from '../problems.ts';

/** Bearer tokens for machines. Everybody has their own, and with a narrow one only those that can do no more; `tokens.manage` sees and ends all of them. */
export function tokenRoutes(app: ApiApp, { tokens }: Access): void {
  const tags = ['tokens'];
  // A token that leaked must not shut its owner out: what can do more than the caller is not the caller's.
  const mayEnd = (caller: Caller, token: ApiToken): boolean =>
    caller.permissions.has('tokens.manage') ||
    (caller.person === token.person && (caller.id === token.id || isWithin(token, caller)));

  app.get(
    '/api/v1/tokens',
    {
      config: { permission: 'fleet.read' },
      schema: {
        summary: "One's own tokens, or everybody's, newest first",
        tags,
        querystring: listQuery.extend({ person: z.string().max(80).optional(), name: z.string().max(40).optional() }),
        response: { 200: page(apiToken), '4xx': refused },
      },
    },
    async (request) => {
      const { person, name } = request.query;
      const found = tokens
        .list()
        .filter((token) => mayEnd(callerOf(request), token))
        .filter(
          (token) => (person === undefined || token.person === person) && (name === undefined || token.name === name),
        );
      return answerPage(unwrap(sliceOf(found.map(tokenView), ({ id }) => id, request.query)));
    },
  );

  app.post(
    '/api/v1/tokens',
    {
      config: { permission: 'fleet.read' },
      schema: {
        summary: 'Make a token; it is in the answer, once. It may do no more than its maker',
        tags,
        body: createToken,
        response: { 201: createdToken, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { expiresAt, ...wanted } = request.body;
      const { token, made } = unwrap(
        await tokens.create(
          { ...wanted, expiresAt: expiresAt === undefined ? undefined : Date.parse(expiresAt) },
          callerOf(request),
        ),
      );
      return reply.status(201).send({ ...tokenView(made), token });
    },
  );

  app.delete(
    '/api/v1/tokens/:id',
    {
      config: { permission: 'fleet.read', subject: 'token' },
      schema: {
        summary: 'Revoke a token, at once',
        tags,
        params: byId,
        response: { 200: apiToken, '4xx': refused },
      },
    },
    async (request) => {
      const { id } = request.params;
      const caller = callerOf(request);
      const found = tokens.list().find((token) => token.id === id);
      if (!found || !mayEnd(caller, found)) throw new FaultError({ code: 'TOKEN_UNKNOWN' });
      return tokenView(unwrap(await tokens.revoke(id, caller)));
    },
  );
}

/** Whether a token can do nothing that the caller cannot, who is bound to no place: nobody who is comes here. */
const isWithin = ({ roles, permissions }: ApiToken, caller: Caller): boolean =>
  [...allowed(roles, permissions)].every((each) => caller.permissions.has(each));

const time = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));
const tokenView = (token: ApiToken): ApiTokenView => ({
  id: token.id,
  name: token.name,
  person: token.person,
  roles: [...token.roles],
  permissions: token.permissions && [...token.permissions],
  places: token.places && [...token.places],
  createdAt: isoTime(token.createdAt),
  expiresAt: time(token.expiresAt),
  revokedAt: time(token.revokedAt),
  lastUsedAt: time(token.lastUsedAt),
});
