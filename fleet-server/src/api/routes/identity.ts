import {
  addManufacturer,
  authoritiesView,
  authorityName,
  authorityRequest,
  expiryEntry,
  exportedRoot,
  exportRoot,
  installAuthority,
  manufacturer,
  page,
  registeredTerminal,
  removeRoot,
  rotateAuthority,
  serialSchema,
  trustDocument,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { answerPage, listQuery, pageOf } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';
import { refused } from '../problems.ts';

const bySerial = z.object({ serial: serialSchema });
const byAuthority = z.object({ id: authorityName });

/** Who terminals are, and how long they can be saved. */
export function identityRoutes(
  app: ApiApp,
  rooms: Pick<ApiRooms, 'estate' | 'ceremonies' | 'manufacturers' | 'expiry'>,
): void {
  claimRoutes(app, rooms);
  authorityRoutes(app, rooms);
  manufacturerRoutes(app, rooms);
}

function claimRoutes(app: ApiApp, { estate, expiry }: Pick<ApiRooms, 'estate' | 'expiry'>): void {
  app.post(
    '/api/v1/terminals/:serial/claim',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Issue the claim of a terminal again: the old one is worth nothing from then on',
        tags: ['terminals'],
        params: bySerial,
        response: { 201: registeredTerminal, '4xx': refused },
      },
    },
    async (request, reply) =>
      reply.status(201).send({ claim: unwrap(await estate.reissueClaim(request.params.serial, actorOf(request))) }),
  );

  app.get(
    '/api/v1/expiry',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The expiry horizon: terminals by the last day on which they can be saved from afar',
        tags: ['lifecycle'],
        querystring: listQuery,
        response: { 200: page(expiryEntry), '4xx': refused },
      },
    },
    async (request) => answerPage(unwrap(await expiry.list(pageOf(request.query)))),
  );
}

function authorityRoutes(app: ApiApp, { ceremonies }: Pick<ApiRooms, 'ceremonies'>): void {
  app.get(
    '/api/v1/authorities',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The authorities of the house, what hangs on them, and what terminals are told of roots',
        tags: ['authorities'],
        response: { 200: authoritiesView, '4xx': refused },
      },
    },
    () => ceremonies.overview(),
  );

  app.post(
    '/api/v1/authorities/requests',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'The request for the next issuing CA, for a root to sign; the same one until it is answered',
        tags: ['authorities'],
        response: { 200: authorityRequest, '4xx': refused },
      },
    },
    (request) => ceremonies.request(actorOf(request)),
  );

  app.post(
    '/api/v1/authorities',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Install the answer of a root: from then on the new issuing CA signs',
        tags: ['authorities'],
        body: installAuthority,
        response: { 200: authoritiesView, '4xx': refused },
      },
    },
    async (request) => {
      unwrap(await ceremonies.install(request.body.certificate, actorOf(request)));
      return await ceremonies.overview();
    },
  );

  app.post(
    '/api/v1/authorities/rotations',
    {
      config: { role: 'admin', isIdempotent: true },
      schema: {
        summary: 'Make a new issuing CA, or a new root with one, by keys that are here; the old ones count on',
        tags: ['authorities'],
        body: rotateAuthority,
        response: { 200: authoritiesView, '4xx': refused },
      },
    },
    async (request) => {
      unwrap(await ceremonies.rotate(request.body.kind, actorOf(request)));
      return await ceremonies.overview();
    },
  );

  app.post(
    '/api/v1/authorities/trust',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Announce a signed document about roots; terminals take it up at their next contact',
        tags: ['authorities'],
        body: trustDocument,
        response: { 200: authoritiesView, '4xx': refused },
      },
    },
    async (request) => {
      unwrap(await ceremonies.announce(request.body, actorOf(request)));
      return await ceremonies.overview();
    },
  );

  app.post(
    '/api/v1/authorities/:id/export',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'The key of a root, wrapped for whoever asks, on its way to a file that is kept off-line',
        tags: ['authorities'],
        params: byAuthority,
        body: exportRoot,
        response: { 200: exportedRoot, '4xx': refused },
      },
    },
    async (request) => unwrap(await ceremonies.exportRoot(request.params.id, request.body.receiver, actorOf(request))),
  );

  app.post(
    '/api/v1/authorities/:id/key-removal',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Forget the key of a root, once it was shown that it is held elsewhere',
        tags: ['authorities'],
        params: byAuthority,
        body: removeRoot,
        response: { 200: authoritiesView, '4xx': refused },
      },
    },
    async (request) => {
      unwrap(await ceremonies.removeRoot(request.params.id, request.body.proof, actorOf(request)));
      return await ceremonies.overview();
    },
  );

  app.delete(
    '/api/v1/authorities/:id',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Retire an authority that nothing hangs on',
        tags: ['authorities'],
        params: byAuthority,
        response: { 200: authoritiesView, '4xx': refused },
      },
    },
    async (request) => {
      unwrap(await ceremonies.retire(request.params.id, actorOf(request)));
      return await ceremonies.overview();
    },
  );
}

function manufacturerRoutes(app: ApiApp, { manufacturers }: Pick<ApiRooms, 'manufacturers'>): void {
  const listed = z.object({ items: z.array(manufacturer) });
  app.get(
    '/api/v1/manufacturers',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Makers whose certificates prove a claim, by model; 256 at most',
        tags: ['authorities'],
        response: { 200: listed, '4xx': refused },
      },
    },
    async () => ({ items: [...(await manufacturers.list())] }),
  );

  app.post(
    '/api/v1/manufacturers',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Register the authority of a maker for a model',
        tags: ['authorities'],
        body: addManufacturer,
        response: { 201: manufacturer, '4xx': refused },
      },
    },
    async (request, reply) => reply.status(201).send(unwrap(await manufacturers.add(request.body, actorOf(request)))),
  );

  app.delete(
    '/api/v1/manufacturers/:model/:fingerprint',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Take the authority of a maker off a model; terminals that are enrolled stay',
        tags: ['authorities'],
        params: z.object({ model: z.string().max(32), fingerprint: z.string().regex(/^[0-9a-f]{64}$/) }),
        response: { 200: listed, '4xx': refused },
      },
    },
    async (request) => {
      unwrap(await manufacturers.remove(request.params.model, request.params.fingerprint, actorOf(request)));
      return { items: [...(await manufacturers.list())] };
    },
  );
}
