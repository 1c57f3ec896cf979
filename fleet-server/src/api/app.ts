import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import { type ErrorCode, isErrorCode } from '@tsunagu/protocols/errors';
import { managementPaths, wantedBy } from '@tsunagu/protocols/fleet';
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
import { z } from 'zod';
import type { HttpMeter } from '../metrics/index.ts';
import { type Access, type Caller, isPlaceWithin } from './access/index.ts';
import { type ChangeRooms, watchChanges } from './change-watch.ts';
import { answerUnchanged } from './etag.ts';
import { type MethodBook, methodBook } from './methods.ts';
import { permissionOf } from './permission.ts';
import { languageOf, problemOf, statusOf } from './problems.ts';
import { guardBrowsers, setSecurityHeaders } from './security.ts';

declare module 'fastify' {
  interface FastifyInstance {
    readonly methods: MethodBook;
  }
}

/** What the app is built from. */
export interface AppOptions extends ChangeRooms {
  readonly access: Access;
  /** Where a terminal stands, for callers that are kept to some places. */
  readonly placeOf: (serial: string) => Promise<{ readonly merchant: string; readonly shop: string } | undefined>;
  /** Of which terminal a job is; undefined when it is not known. */
  readonly serialOfJob: (id: string) => Promise<string | undefined>;
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
  // What a PATCH is by its own name (RFC 7396, 4).
  app.addContentTypeParser(
    'application/merge-patch+json',
    { parseAs: 'string' },
    app.getDefaultJsonParser('error', 'error'),
  );
  app.setValidatorCompiler(validatorCompiler);
  // Answers are parsed, not encoded as the type provider's own compiler does: what an answer does not name is left out.
  app.setSerializerCompiler<z.ZodType>(({ schema, method, url }) => (data) => {
    const checked = schema.safeParse(data);
    if (!checked.success) throw new ResponseSerializationError(method, url, { cause: checked.error });
    return JSON.stringify(checked.data);
  });

  app.decorateRequest('caller', undefined);
  app.decorateRequest('change', undefined);
  app.decorateRequest('claimed', undefined);
  app.decorateRequest('refusedFor', undefined);
  app.decorateRequest('startedMs', 0);
  app.addHook('onRequest', async (request) => {
    request.startedMs = world.clock.monotonicMs();
    forgetTypeOfNoBody(request);
  });
  const methods = methodBook();
  app.decorate('methods', methods);
  app.addHook('onRoute', (route) => {
    methods.add(route);
    const { role, permission, isOpen } = route.config ?? {};
    if (route.url.startsWith('/api/') && !role && !permission && !isOpen)
      throw new Error(`${String(route.method)} ${route.url} does not say who may call it: role, permission or isOpen`);
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
    const needs = permissionOf(request);
    if (!needs) return;
    if (!request.caller) {
      void reply.header('www-authenticate', 'Bearer realm="tsunagu"');
      throw new FaultError({ code: 'UNAUTHENTICATED' });
    }
    if (!request.caller.permissions.has(needs)) throw new FaultError({ code: 'ROLE_INSUFFICIENT', facts: { needs } });
    await keepToPlaces(request, options);
  });
  app.addHook('preValidation', async (request) => refuseUnknownQuery(request));
  watchChanges(app, options);
  answerUnchanged(app);
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
    request.refusedFor = fault.code;
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

/**
 * Many clients name a content type always. Where no body is asked for and none came (RFC 9112, 6.3), there is nothing that it says something about: the
 * body of a DELETE has no meaning (RFC 9110, 9.3.5), and neither has its type.
 */
function forgetTypeOfNoBody({ headers, routeOptions }: FastifyRequest): void {
  const isEmpty = headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0';
  if (isEmpty && routeOptions.schema?.body === undefined) delete headers['content-type'];
}

/** A caller that is kept to some places gets to terminals there, to their jobs, and to what keeps to places by itself. */
async function keepToPlaces(
  request: FastifyRequest,
  { placeOf, serialOfJob }: Pick<AppOptions, 'placeOf' | 'serialOfJob'>,
): Promise<void> {
  const places = request.caller?.places;
  if (!places || request.routeOptions.config.isPlaced) return;
  const named = (name: string): string | undefined => {
    const value: unknown = typeof request.params === 'object' ? Object(request.params)[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const id = request.routeOptions.config.isOfJob ? named('id') : undefined;
  const serial = id === undefined ? named('serial') : await serialOfJob(id);
  const place = serial === undefined ? undefined : await placeOf(serial);
  if (!place || !isPlaceWithin(places, place)) throw new FaultError({ code: 'PLACE_OUTSIDE' });
}

/** A filter that a list does not know is a slip of the pen, and must not pass for one that matched everything. */
function refuseUnknownQuery(request: FastifyRequest): void {
  if (!request.routeOptions.url?.startsWith('/api/')) return;
  const schema = request.routeOptions.schema?.querystring;
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const asked = typeof request.query === 'object' && request.query !== null ? Object.keys(request.query) : [];
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new FaultError({ code: 'QUERY_UNKNOWN', field: unknown.slice(0, 40), facts: { known: known.join(' ') } });
}

function callerOf(request: FastifyRequest, access: Access, cookieName: string): Caller | undefined {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const token = /^Bearer ([A-Za-z0-9._~+/=-]{16,256})$/i.exec(authorization)?.[1];
    return token === undefined ? undefined : access.tokens.caller(token);
  }
  const cookieValue = request.cookies[cookieName];
  return cookieValue === undefined ? undefined : access.sessions.caller(cookieValue);
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
    const { instancePath: path = '', message = '', keyword, params } = error.validation[0] ?? {};
    const field = path.replace(/^\//, '').replaceAll('/', '.');
    // A schema names a code of the table where there is more to say than which field it is.
    if (isErrorCode(message)) return { code: message, field };
    const wants = wantedBy({ code: keyword, ...params } as unknown as z.core.$ZodIssue);
    return { code: 'INPUT_INVALID', field, ...(wants !== undefined && { facts: { wants } }) };
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
