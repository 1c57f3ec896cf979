import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { managementPaths, type Role, roles } from '@tsunagu/protocols/fleet';
import { type Fault, FaultError } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import Fastify, { type FastifyRequest } from 'fastify';
import {
  hasZodFastifySchemaValidationErrors,
  isResponseSerializationError,
  ResponseSerializationError,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { HttpMeter } from '../metrics/index.ts';
import type { Access, Caller } from './access.ts';
import { keepAnswers } from './idempotency.ts';
import { languageOf, problemOf, statusOf } from './problems.ts';
import { guardBrowsers, setSecurityHeaders } from './security.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined;
    /** Claimed `Idempotency-Key`, until it is kept or dropped. */
    claimed: { readonly scope: string; readonly key: string } | undefined;
    /** When it came, on the clock that never steps. */
    startedMs: number;
  }
  interface FastifyContextConfig {
    /** The least role that may call this; without it the route is open to everybody. */
    role?: Role;
    /** Whether repeats with the same `Idempotency-Key` get the first answer. */
    isIdempotent?: boolean;
    /** A header that the route reads by itself, for the description of the API. */
    header?: { readonly name: string; readonly says: string; readonly isRequired?: boolean };
  }
}

/** What the app is built from. */
export interface AppOptions {
  readonly world: World;
  readonly access: Access;
  /** Host names and addresses that this server answers for, besides the loopback's. */
  readonly hosts: readonly string[];
  readonly cookieName: string;
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
  readonly http: HttpMeter;
  /** How long a request may take to arrive. */
  readonly requestTimeoutMs: number;
}

/** The fastify app with everything that holds for each route alike: limits, headers, sign-in, roles, problems, log. */
export type ApiApp = Awaited<ReturnType<typeof buildApp>>;

const bodyBytesMax = 64 * 1024;

export async function buildApp(options: AppOptions) {
  const { world, access, http, requestTimeoutMs } = options;
  const idempotency = keepAnswers(world);
  const common = {
    logger: false,
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: true,
    requestIdHeader: false,
    genReqId: () => world.id(),
    routerOptions: { maxParamLength: 200 },
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => refuseBytes(world, error, socket),
  } as const;
  const timeouts = {
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, requestTimeoutMs),
  };
  const bare = Fastify({
    ...common,
    frameworkErrors: (_error, request, reply) => {
      const problem = problemOf({ code: 'HTTP_MALFORMED' }, languageOf(request.headers['accept-language']));
      reply.raw.writeHead(400, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    },
    serverFactory: (handler) =>
      options.tls
        ? createTlsServer(
            { ...timeouts, cert: options.tls.certificate, key: options.tls.key, minVersion: 'TLSv1.3' },
            handler,
          )
        : createServer(timeouts, handler),
  });
  const app = bare.withTypeProvider<ZodTypeProvider>();
  app.server.maxConnections = 512;
  app.removeContentTypeParser('text/plain'); // JSON is all that is read here
  app.setValidatorCompiler(validatorCompiler);
  // Answers are parsed, not encoded as the type provider's own compiler does: what an answer does not name is left out.
  app.setSerializerCompiler<z.ZodType>(({ schema, method, url }) => (data) => {
    const checked = schema.safeParse(data);
    if (!checked.success) throw new ResponseSerializationError(method, url, { cause: checked.error });
    return JSON.stringify(checked.data);
  });

  app.decorateRequest('caller', undefined);
  app.decorateRequest('claimed', undefined);
  app.decorateRequest('startedMs', 0);
  app.addHook('onRequest', async (request) => {
    request.startedMs = world.clock.monotonicMs();
  });
  setSecurityHeaders(app, options.tls !== undefined);
  await app.register(cookie);
  await app.register(rateLimit, {
    global: false,
    errorResponseBuilder: () => new FaultError({ code: 'RATE_LIMITED' }),
  });

  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
    guardBrowsers(request, options.hosts, options.cookieName);
    request.caller = callerOf(request, access, options.cookieName);
    const { role } = request.routeOptions.config;
    if (!role) return;
    if (!request.caller) {
      void reply.header('www-authenticate', 'Bearer realm="tsunagu"');
      throw new FaultError({ code: 'UNAUTHENTICATED' });
    }
    if (!mayActAs(request.caller.role, role))
      throw new FaultError({ code: 'ROLE_INSUFFICIENT', facts: { needs: role } });
  });

  // Before validation, so that the body is still as it came: validation turns a PAN into a secret, which has no text.
  app.addHook('preValidation', async (request, reply) => {
    const key = request.headers['idempotency-key'];
    if (!request.routeOptions.config.isIdempotent || key === undefined) return;
    const scope = `${request.caller?.subject ?? ''} ${request.method} ${request.url}`;
    const claimed = idempotency.claim(scope, String(key), request.body);
    if (!claimed.ok) throw new FaultError(claimed.fault);
    if (!claimed.value) {
      request.claimed = { scope, key: String(key) };
      return;
    }
    const { status, contentType, body } = claimed.value;
    await reply.status(status).header('idempotency-replayed', 'true').type(contentType).serializer(String).send(body);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    if (!request.claimed) return;
    const { scope, key } = request.claimed;
    request.claimed = undefined;
    if (reply.statusCode < 500 && typeof payload === 'string')
      idempotency.keep(scope, key, {
        status: reply.statusCode,
        contentType: String(reply.getHeader('content-type') ?? 'application/json'),
        body: payload,
      });
    else idempotency.drop(scope, key);
  });
  app.addHook('onRequestAbort', async (request) => {
    // A live stream has no other end than this.
    if (request.routeOptions.url === managementPaths.events) return;
    world.log('warn', 'request not completed', { code: 'REQUEST_INCOMPLETE', requestId: request.id });
  });
  app.addHook('onResponse', async (request, reply) => {
    const seconds = (world.clock.monotonicMs() - request.startedMs) / 1_000;
    const route = request.routeOptions.url ?? 'none';
    http.answered({ route, method: request.method, status: reply.statusCode, seconds });
    // The template, never the address itself, and never a body: what people type does not belong in a log.
    world.log('debug', 'request answered', {
      requestId: request.id,
      method: request.method,
      route,
      status: reply.statusCode,
    });
  });

  app.setErrorHandler((error, request, reply) => {
    const fault = faultOf(error);
    const status = statusOf(fault.code);
    if (status >= 500)
      world.log('error', 'request failed', {
        code: fault.code,
        requestId: request.id,
        route: request.routeOptions.url ?? 'none',
        stack: error instanceof Error ? (error.stack ?? error.name) : 'not an error',
      });
    else
      world.log('info', 'request refused', {
        code: fault.code,
        requestId: request.id,
        route: request.routeOptions.url ?? 'none',
        ...(fault.field === undefined ? {} : { field: fault.field }),
      });
    const body = problemOf(fault, languageOf(request.headers['accept-language']));
    return reply
      .status(status)
      .header('vary', 'accept-language')
      .type('application/problem+json')
      .serializer(String)
      .send(JSON.stringify(body));
  });
  return app;
}

/** Whether someone in role `held` may do what asks for `needed`. Roles are ordered, the widest first. */
const mayActAs = (held: Role, needed: Role): boolean => roles.indexOf(held) <= roles.indexOf(needed);

function callerOf(request: FastifyRequest, access: Access, cookieName: string): Caller | undefined {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const token = /^Bearer ([A-Za-z0-9._~+/=-]{16,256})$/i.exec(authorization)?.[1];
    return token === undefined ? undefined : access.bearer(token);
  }
  const cookieValue = request.cookies[cookieName];
  return cookieValue === undefined ? undefined : access.session(cookieValue);
}

/** Fastify's own refusals, in our codes. */
const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MEDIA_TYPE_UNSUPPORTED',
  FST_ERR_CTP_INVALID_JSON_BODY: 'BODY_NOT_JSON',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'BODY_NOT_JSON',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'REQUEST_INCOMPLETE',
  ECONNRESET: 'REQUEST_INCOMPLETE',
};

function faultOf(error: unknown): Fault {
  if (error instanceof FaultError) return error.fault;
  if (isResponseSerializationError(error)) return { code: 'INTERNAL', cause: error };
  if (hasZodFastifySchemaValidationErrors(error)) {
    const path = error.validation[0]?.instancePath ?? '';
    return { code: 'INPUT_INVALID', field: path.replace(/^\//, '').replaceAll('/', '.') };
  }
  if (error instanceof Error) {
    const code = 'code' in error && typeof error.code === 'string' ? frameworkCodes[error.code] : undefined;
    if (code) return { code };
    if ('statusCode' in error && typeof error.statusCode === 'number' && error.statusCode < 500)
      return { code: 'INPUT_INVALID', cause: error };
  }
  return { code: 'INTERNAL', cause: error };
}

/** Answers bytes that never became a request, and closes. */
function refuseBytes(world: World, error: NodeJS.ErrnoException, socket: Socket): void {
  const code: ErrorCode =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? 'REQUEST_INCOMPLETE'
      : error.code === 'ECONNRESET' || error.code === 'HPE_INVALID_EOF_STATE'
        ? 'REQUEST_INCOMPLETE'
        : 'HTTP_MALFORMED';
  world.log('warn', 'bytes refused', { code, reason: error.code ?? error.name });
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const status = code === 'REQUEST_INCOMPLETE' ? '408 Request Timeout' : '400 Bad Request';
  const body = JSON.stringify(problemOf({ code }, 'en'));
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
