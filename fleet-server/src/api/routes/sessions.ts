import { session, signIn } from '@tsunagu/protocols/fleet';
import { FaultError } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import type { Access, Caller } from '../access.ts';
import type { ApiApp } from '../app.ts';
import { refused } from '../problems.ts';

/** Signing in with a one-time token, asking who one is, and signing out. */
export function sessionRoutes(
  app: ApiApp,
  {
    world,
    access,
    cookieName,
    isEncrypted,
  }: { world: World; access: Access; cookieName: string; isEncrypted: boolean },
): void {
  const cookieRules = { path: '/', httpOnly: true, sameSite: 'strict', secure: isEncrypted } as const;

  app.post(
    '/api/v1/sessions',
    {
      config: { rateLimit: { max: 20, timeWindow: 60_000 } },
      schema: {
        summary: 'Sign in with a one-time token',
        tags: ['sessions'],
        body: signIn,
        response: { 201: session, '4xx': refused },
      },
    },
    async (request, reply) => {
      const opened = access.exchange(request.body.token);
      if (!opened) {
        world.log('warn', 'sign-in refused', { code: 'SIGN_IN_TOKEN_INVALID' });
        throw new FaultError({ code: 'SIGN_IN_TOKEN_INVALID' });
      }
      world.log('info', 'signed in', { subject: opened.caller.subject, role: opened.caller.role });
      void reply.setCookie(cookieName, opened.cookie, { ...cookieRules, maxAge: secondsLeft(world, opened.caller) });
      return reply.status(201).send(sessionOf(world, opened.caller));
    },
  );

  app.get(
    '/api/v1/sessions/current',
    {
      config: { role: 'viewer' },
      schema: { summary: 'Who I am', tags: ['sessions'], response: { 200: session, '4xx': refused } },
    },
    async (request) => {
      if (!request.caller) throw new FaultError({ code: 'UNAUTHENTICATED' });
      return sessionOf(world, request.caller);
    },
  );

  app.delete(
    '/api/v1/sessions/current',
    {
      config: { role: 'viewer' },
      schema: { summary: 'Sign out', tags: ['sessions'], response: { 204: z.undefined(), '4xx': refused } },
    },
    async (request, reply) => {
      const cookie = request.cookies[cookieName];
      if (cookie !== undefined) access.end(cookie);
      void reply.clearCookie(cookieName, cookieRules);
      return reply.status(204).send();
    },
  );
}

const secondsLeft = (world: World, { expiresAt }: Caller): number =>
  Math.max(0, Math.floor(((expiresAt ?? world.clock.now()) - world.clock.now()) / 1_000));

/** A bearer token does not expire; its session is told as one day, after which a client asks again. */
const sessionOf = (world: World, caller: Caller) => ({
  subject: caller.subject,
  role: caller.role,
  expiresAt: new Date(caller.expiresAt ?? world.clock.now() + 86_400_000).toISOString(),
});
