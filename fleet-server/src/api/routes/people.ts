import {
  changePerson,
  createPerson,
  page,
  person,
  type PersonView,
  setPassphrase,
  signInLink,
} from '@tsunagu/protocols/fleet';
import { FaultError, unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { byId } from '../by-id.ts';
import { isoTime } from '../../store/index.ts';
import type { Access, Person } from '../access/index.ts';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { etagOf, ifMatch, versionOf } from '../if-match.ts';
import { answerPage, listQuery, sliceOf } from '../list-query.ts';
import { refused } from '../problems.ts';

/** The people who may sign in, and their roles. */
export function peopleRoutes(app: ApiApp, { people, sessions }: Access, signInUrl: (token: string) => string): void {
  const tags = ['people'];

  app.get(
    '/api/v1/people',
    {
      config: { permission: 'people.manage' },
      schema: {
        summary: 'People, by name',
        tags,
        querystring: listQuery.extend({ name: z.string().max(40).optional() }),
        response: { 200: page(person), '4xx': refused },
      },
    },
    async ({ query }) => {
      const found = people.list().filter(({ name }) => query.name === undefined || name === query.name);
      return answerPage(unwrap(sliceOf(found.map(personView), ({ name }) => name, query)));
    },
  );

  app.post(
    '/api/v1/people',
    {
      config: { permission: 'people.manage' },
      schema: {
        summary: 'Add somebody. Roles that conflict are refused, with the duties at odds',
        tags,
        body: createPerson,
        response: { 201: person, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { name, roles } = request.body;
      const made = unwrap(await people.create(name, roles, actorOf(request)));
      return reply.status(201).header('etag', etagOf(made.version)).send(personView(made));
    },
  );

  app.get(
    '/api/v1/people/:id',
    {
      config: { permission: 'people.manage' },
      schema: { summary: 'One person', tags, params: byId, response: { 200: person, '4xx': refused } },
    },
    async (request, reply) => {
      const found = people.find(request.params.id);
      if (!found) throw new FaultError({ code: 'PERSON_UNKNOWN' });
      return reply.header('etag', etagOf(found.version)).send(personView(found));
    },
  );

  app.patch(
    '/api/v1/people/:id',
    {
      config: { permission: 'people.manage', subject: 'person', header: ifMatch },
      schema: {
        summary:
          "Change somebody's roles, at once in their sessions and tokens, or end them with both; nobody changes themselves",
        tags,
        params: byId,
        body: changePerson,
        response: { 200: person, '4xx': refused },
      },
    },
    async (request, reply) => {
      const changed = unwrap(
        await people.change(request.params.id, versionOf(request), request.body, actorOf(request)),
      );
      return reply.header('etag', etagOf(changed.version)).send(personView(changed));
    },
  );

  app.post(
    '/api/v1/people/:id/sign-ins',
    {
      config: { permission: 'people.manage', subject: 'person' },
      schema: {
        summary: 'Make a sign-in link for somebody',
        tags,
        params: byId,
        response: { 201: signInLink, '4xx': refused },
      },
    },
    async (request, reply) => {
      const found = people.find(request.params.id);
      if (!found || found.endedAt !== null) throw new FaultError({ code: 'PERSON_UNKNOWN' });
      await people.noteLink(found.id, actorOf(request));
      return reply.status(201).send({ url: signInUrl(sessions.issue({ person: found.id })) });
    },
  );

  app.put(
    '/api/v1/people/me/passphrase',
    {
      config: { permission: 'fleet.read', subject: 'person', isPlaced: true },
      schema: {
        summary: "Set one's own passphrase, with which one signs in from then on",
        tags,
        body: setPassphrase,
        response: { 200: person, '4xx': refused },
      },
    },
    async (request) => {
      const caller = actorOf(request);
      if (caller.via !== 'session') throw new FaultError({ code: 'PERSON_UNKNOWN' });
      return personView(unwrap(await people.setPassphrase(caller.person, request.body.passphrase, caller)));
    },
  );
}

const personView = ({ id, name, roles, hasPassphrase, createdAt, endedAt, version }: Person): PersonView => ({
  id,
  name,
  roles: [...roles],
  hasPassphrase,
  createdAt: isoTime(createdAt),
  endedAt: endedAt === null ? null : isoTime(endedAt),
  version,
});
