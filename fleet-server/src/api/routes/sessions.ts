import { openSession, page, session, signIn } from '@tsunagu/protocols/fleet';
import { FaultError, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import { byId } from '../by-id.ts';
import { isoTime } from '../../store/index.ts';
import type { Access, Caller } from '../access/index.ts';
import { actorOf, callerOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { answerPage, listQuery, sliceOf } from '../list-query.ts';
import { refused } from '../problems.ts';

/** Signing in with a one-time token or a passphrase, asking who one is, signing out; and who else is signed in. */
export function sessionRoutes(
  app: ApiApp,
  {
    world,
    access,
    cookieName,
    isEncrypted,
  }: { world: World; access: Access; cookieName: string; isEncrypted: boolean },
): void {
  const { sessions, people } = access;
  const cookieRules = { path: '/', httpOnly: true, sameSite: 'strict', secure: isEncrypted } as const;
  const tags = ['sessions'];

  async function signInWith(body: z.infer<typeof signIn>) {
    if ('token' in body) return { opened: await sessions.exchange(body.token), code: 'SIGN_IN_TOKEN_INVALID' } as const;
    const person = await people.recognise(body.name, body.passphrase);
    return { opened: person && (await sessions.open({ person: person.id })), code: 'PASSPHRASE_WRONG' } as const;
  }

  app.post(
    '/api/v1/sessions',
    {
      config: { isOpen: true, rateLimit: { max: 20, timeWindow: 60_000 } },
      schema: {
        summary: 'Sign in with a one-time token, or with name and passphrase',
        tags,
        body: signIn,
        response: { 201: session, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { opened, code } = await signInWith(request.body);
      if (!opened) {
        world.log('warn', 'sign-in refused', { code });
        throw new FaultError({ code });
      }
      world.log('info', 'signed in', { subject: opened.caller.subject, role: opened.caller.role });
      void reply.setCookie(cookieName, opened.cookie, { ...cookieRules, maxAge: secondsLeft(world, opened.caller) });
      return reply.status(201).send(sessionOf(world, opened.caller));
    },
  );

  app.get(
    '/api/v1/sessions',
    {
      config: { permission: 'people.manage' },
      schema: {
        summary: 'Who is signed in',
        tags,
        querystring: listQuery.extend({ person: z.string().max(80).optional() }),
        response: { 200: page(openSession), '4xx': refused },
      },
    },
    async ({ query }) => {
      const found = sessions
        .list()
        .filter(({ person }) => query.person === undefined || person === query.person)
        .map((each) => ({ ...each, createdAt: isoTime(each.createdAt), expiresAt: isoTime(each.expiresAt) }));
      return answerPage(unwrap(sliceOf(found, ({ id }) => id, query)));
    },
  );

  app.delete(
    '/api/v1/sessions/:id',
    {
      config: { permission: 'people.manage', subject: 'session' },
      schema: {
        summary: 'End a session, at once',
        tags,
        params: byId,
        response: { 204: z.undefined(), '4xx': refused },
      },
    },
    async (request, reply) => {
      if (!(await sessions.end(request.params.id, actorOf(request)))) throw new FaultError({ code: 'SESSION_UNKNOWN' });
      return reply.status(204).send();
    },
  );

  app.get(
    '/api/v1/sessions/current',
    {
      config: { role: 'viewer', isPlaced: true },
      schema: { summary: 'Who I am', tags, response: { 200: session, '4xx': refused } },
    },
    async (request) => sessionOf(world, callerOf(request)),
  );

  app.delete(
    '/api/v1/sessions/current',
    {
      config: { role: 'viewer', isPlaced: true },
      schema: { summary: 'Sign out', tags, response: { 204: z.undefined(), '4xx': refused } },
    },
    async (request, reply) => {
      const caller = actorOf(request);
      if (caller.via === 'session') await sessions.end(caller.id, caller);
      void reply.clearCookie(cookieName, cookieRules);
      return reply.status(204).send();
    },
  );
}

const secondsLeft = (world: World, { expiresAt }: Caller): number =>
  Math.max(0, Math.floor(((expiresAt ?? world.clock.now()) - world.clock.now()) / 1_000));

/** A bearer token may not expire; its session is told as one day, after which a client asks again. */
const sessionOf = (world: World, caller: Caller) => ({
  subject: caller.subject,
  person: caller.person,
  role: caller.role,
  roles: [...caller.roles],
  permissions: [...caller.permissions],
  expiresAt: isoTime(caller.expiresAt ?? world.clock.now() + 86_400_000),
});
