import { FaultError } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Audit, Change, Changes } from '../audit/index.ts';
import type { Idempotency } from './idempotency.ts';
import { permissionOf } from './permission.ts';

/** What changes are written down with. */
export interface ChangeRooms {
  readonly world: World;
  readonly audit: Audit;
  readonly changes: Changes;
  readonly idempotency: Idempotency;
}

const looking = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Refusals of people who are not signed in that are written down in a minute; beyond, they are counted. */
const strangersMax = 30;

/**
 * Makes every request that asks for a change a `Change`: each transaction that alters something for it gets its entry of the
 * audit log, its `Idempotency-Key` is marked in the first of them, and what was refused or altered no row is written down too,
 * before the answer goes out.
 */
export function watchChanges(
  app: Pick<FastifyInstance, 'addHook'>,
  { world, audit, changes, idempotency }: ChangeRooms,
): void {
  let minute = 0;
  let strangers = 0;
  let uncounted = 0;

  // Before validation, so that the body is still as it came: validation turns a PAN into a secret, which has no text.
  app.addHook('preValidation', async (request, reply) => {
    const key = request.headers['idempotency-key'];
    if (request.method !== 'POST' || key === undefined || !request.caller) return;
    const scope = `${request.caller.person} ${request.method} ${request.url}`;
    const claimed = await idempotency.claim(scope, String(key), request.body);
    if (!claimed.ok) throw new FaultError(claimed.fault);
    if ('hold' in claimed.value) {
      request.claimed = claimed.value.hold;
      return;
    }
    const { status, contentType, body } = claimed.value.answer;
    await reply.status(status).header('idempotency-replayed', 'true').type(contentType).serializer(String).send(body);
  });

  app.addHook('preHandler', (request, _reply, done) => {
    if (looking.has(request.method) || !request.caller) return done();
    const { claimed } = request;
    const change: Change = {
      actor: request.caller,
      action: actionOf(request),
      subject: subjectOf(request),
      request: request.id,
      commits: 0,
      isOver: false,
      ...(claimed && { inFirstCommit: (tx) => idempotency.mark(tx, claimed, request.id) }),
    };
    request.change = change;
    changes.run(change, done);
  });

  app.addHook('onSend', async (request, reply, payload) => {
    const { change, claimed, refusedFor } = request;
    if (change) changes.over(change);
    request.change = request.claimed = undefined;
    const code = refusedFor;
    const isWork = !looking.has(request.method) && request.routeOptions.url !== undefined;
    if (code !== undefined && (isWork || code === 'ROLE_INSUFFICIENT')) await noteRefusal(request, code, change);
    else if (change && change.commits === 0 && reply.statusCode < 300 && permissionOf(request) !== 'fleet.read')
      await audit.noteAlone({ ...change, outcome: 'done' });
    if (claimed)
      if (reply.statusCode < 300 && typeof payload === 'string')
        await idempotency.keep(claimed, request.id, {
          status: reply.statusCode,
          contentType: String(reply.getHeader('content-type') ?? 'application/json'),
          body: payload,
        });
      else idempotency.drop(claimed);
    return payload;
  });
  // An answer that never went out leaves its key free, or marked where something was committed.
  app.addHook('onResponse', async (request) => {
    if (request.claimed) idempotency.drop(request.claimed);
  });

  async function noteRefusal(
    request: FastifyRequest,
    code: NonNullable<FastifyRequest['refusedFor']>,
    change: Change | undefined,
  ): Promise<void> {
    const { caller } = request;
    if (!caller) {
      const now = Math.floor(world.clock.now() / 60_000);
      if (now !== minute) {
        minute = now;
        strangers = 0;
      }
      strangers += 1;
      if (strangers > strangersMax) return void (uncounted += 1);
    }
    const more = caller || uncounted === 0 ? {} : { facts: { unwritten: uncounted } };
    if (!caller) uncounted = 0;
    await audit.noteAlone({
      actor: caller ?? { subject: 'nobody', via: 'nobody' },
      action: change?.action ?? actionOf(request),
      subject: change?.subject ?? subjectOf(request),
      request: request.id,
      outcome: code === 'INTERNAL' ? 'failed' : 'refused',
      code,
      ...more,
    });
  }
}

const actionOf = (request: FastifyRequest): string => `${request.method} ${request.routeOptions.url ?? 'unknown'}`;

/** What a request is about: the terminal or the thing that its address or body names. */
function subjectOf(request: FastifyRequest): string {
  const { url = '', config } = request.routeOptions;
  const named = { ...textsOf(request.body), ...textsOf(request.params) };
  if (named['serial'] !== undefined && /^[A-Za-z0-9-]{1,32}$/.test(named['serial']))
    return `terminal/${named['serial']}`;
  const last = url
    .split('/')
    .filter((part) => part !== '' && !part.startsWith(':'))
    .slice(2);
  return named['id'] === undefined ? last.join('/') : `${config.subject ?? last[0] ?? ''}/${named['id']}`;
}

const textsOf = (value: unknown): Record<string, string> =>
  typeof value === 'object' && value !== null && !Buffer.isBuffer(value)
    ? Object.fromEntries(
        ['serial', 'id'].flatMap((name) => {
          const text: unknown = Reflect.get(value, name);
          return typeof text === 'string' ? [[name, text]] : [];
        }),
      )
    : {};
