import type { X509Certificate } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { type TLSSocket, TLSSocket as TlsSocket } from 'node:tls';
import {
  devicePaths,
  deviceStatus,
  enrolmentRequest,
  logPiece,
  parseJson,
  renewalRequest,
  type Problem,
  type Serial,
  trustVersion,
} from '@tsunagu/protocols/fleet';
import { errorTable } from '@tsunagu/protocols/errors';
import { type Fault, fail, FaultError, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Artefacts } from '../artefacts/index.ts';
import type { Software } from '../software/index.ts';
import type { JobLogs } from '../jobs/index.ts';
import {
  type Admission,
  type Ceremonies,
  type Certificates,
  type Enrolment,
  followTls,
  type ServerTls,
  type TlsMaterial,
} from '../identity/index.ts';
import { listen } from '../net/index.ts';

/** How the device API is opened. */
export interface DeviceApiOptions {
  readonly world: World;
  readonly host: string;
  readonly port: number;
  readonly tls: TlsMaterial & Partial<Pick<ServerTls, 'follow'>>;
  readonly admit: Admission;
  readonly enrolment: Pick<Enrolment, 'enrol'>;
  readonly certificates: Pick<Certificates, 'renew' | 'revocationList'>;
  readonly ceremonies: Pick<Ceremonies, 'trust'>;
  readonly artefacts: Pick<Artefacts, 'find'>;
  /** Which artefact a part of a negative list is. */
  readonly negative: { locate(name: string): Promise<string | undefined> };
  readonly software: Pick<Software, 'metadata' | 'target' | 'delta'>;
  /** Takes what terminals upload for a job. */
  readonly logs: Pick<JobLogs, 'take'>;
  /** From the first byte of a request to its last. */
  readonly requestTimeoutMs?: number;
}

/** The running device API. */
export interface DeviceApi {
  readonly port: number;
  /** Ends a terminal's connections, a download in the middle of it too. */
  disconnect(serial: Serial): void;
  close(): Promise<void>;
}

const bodyLengthMax = 16_384;
/** Enrolments that may be worked on at a time; one costs a few signatures and two writes. */
const enrolmentsMax = 16;

/** Opens W2: enrolments without, artefacts with a client certificate. TLS 1.3. */
export async function openDeviceApi(options: DeviceApiOptions): Promise<Result<DeviceApi, 'PORT_TAKEN'>> {
  const { world, requestTimeoutMs = 5_000 } = options;
  let enrolling = 0;
  /** Whose connection it is, once it was admitted. */
  const owners = new Map<Socket, Serial>();

  /** Admits the terminal behind a request, and keeps whose connection it is. */
  async function admit(request: IncomingMessage): ReturnType<Admission> {
    const admitted = await options.admit(peerOf(request));
    const { socket } = request;
    if (admitted.ok && !owners.has(socket)) {
      owners.set(socket, admitted.value);
      socket.once('close', () => owners.delete(socket));
    }
    return admitted;
  }

  async function enrol(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (enrolling >= enrolmentsMax) return refuse(request, response, fail('CONNECTION_LIMIT').fault);
    enrolling += 1;
    try {
      const body = await readBody(request);
      if (!body.ok) return refuse(request, response, body.fault);
      const parsed = parseJson(enrolmentRequest, body.value, bodyLengthMax);
      const answer = parsed.ok ? await options.enrolment.enrol(parsed.value) : parsed;
      if (!answer.ok) return refuse(request, response, answer.fault);
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify(answer.value));
    } finally {
      enrolling -= 1;
    }
  }

  async function renew(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const presented = peerOf(request);
    const admitted = await admit(request);
    if (!admitted.ok) return refuse(request, response, admitted.fault);
    if (!presented || enrolling >= enrolmentsMax) return refuse(request, response, fail('CONNECTION_LIMIT').fault);
    enrolling += 1;
    try {
      const body = await readBody(request);
      if (!body.ok) return refuse(request, response, body.fault);
      const parsed = parseJson(renewalRequest, body.value, bodyLengthMax);
      const answer = parsed.ok ? await options.certificates.renew(admitted.value, presented, parsed.value) : parsed;
      if (!answer.ok) return refuse(request, response, answer.fault);
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify(answer.value));
    } finally {
      enrolling -= 1;
    }
  }

  async function takeLog(request: IncomingMessage, response: ServerResponse, job: string): Promise<void> {
    const admitted = await options.admit(peerOf(request));
    if (!admitted.ok) return refuse(request, response, admitted.fault);
    const body = await readBody(request);
    if (!body.ok) return refuse(request, response, body.fault);
    const piece = parseJson(logPiece, body.value, bodyLengthMax);
    const taken = piece.ok ? await options.logs.take(admitted.value, job, piece.value) : piece;
    if (!taken.ok) return refuse(request, response, taken.fault);
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(taken.value));
  }

  async function sendTrust(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    const version = trustVersion.safeParse(name);
    const document = version.success ? await options.ceremonies.trust(Number(version.data)) : undefined;
    if (!document) return refuse(request, response, fail('ARTEFACT_UNKNOWN').fault);
    response.writeHead(200, {
      'content-type': 'application/json',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    response.end(JSON.stringify(document));
  }

  async function sendRevocations(request: IncomingMessage, response: ServerResponse, issuing?: string): Promise<void> {
    const made = await options.certificates.revocationList(issuing);
    if (!made.ok) return refuse(request, response, made.fault);
    const list = made.value;
    response.writeHead(200, { 'content-type': 'application/pkix-crl', 'content-length': list.length });
    response.end(list);
  }

  /** Sends an artefact to an admitted terminal; which one is asked after the terminal was admitted. */
  async function sendArtefact(
    request: IncomingMessage,
    response: ServerResponse,
    digestOf: () => Promise<string | undefined>,
  ): Promise<void> {
    const admitted = await admit(request);
    if (!admitted.ok) return refuse(request, response, admitted.fault);
    const digest = await digestOf();
    const found = digest === undefined ? undefined : await options.artefacts.find(digest);
    if (!found || digest === undefined) return refuse(request, response, fail('ARTEFACT_UNKNOWN').fault);
    const etag = `"${digest}"`;
    const common = {
      etag,
      'accept-ranges': 'bytes',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'application/octet-stream',
    };
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304, common).end();
      return;
    }
    const ifRange = request.headers['if-range'];
    const range = ifRange === undefined || ifRange === etag ? rangeOf(request.headers.range, found.size) : 'whole';
    if (range === 'unsatisfiable') {
      response.writeHead(416, { ...common, 'content-range': `bytes */${found.size}` }).end();
      return;
    }
    const { start, end } = range === 'whole' ? { start: 0, end: found.size - 1 } : range;
    response.writeHead(range === 'whole' ? 200 : 206, {
      ...common,
      'content-length': Math.max(0, end - start + 1),
      ...(range !== 'whole' && { 'content-range': `bytes ${start}-${end}/${found.size}` }),
    });
    if (request.method === 'HEAD' || found.size === 0) response.end();
    else await pipeline(createReadStream(found.path, { start, end }), response);
  }

  /** Sends a small document that changes to an admitted terminal. */
  async function sendJson(
    request: IncomingMessage,
    response: ServerResponse,
    documentOf: () => Promise<Uint8Array | undefined>,
  ): Promise<void> {
    const admitted = await options.admit(peerOf(request));
    if (!admitted.ok) return refuse(request, response, admitted.fault);
    const document = await documentOf();
    // That there is none is an answer like any other: the connection stays.
    const body = document ?? Buffer.from(JSON.stringify(problemOf(fail('ARTEFACT_UNKNOWN').fault)));
    response.writeHead(document ? 200 : 404, {
      'content-type': document ? 'application/json' : 'application/problem+json',
      'content-length': body.length,
      'cache-control': 'no-cache',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  async function deltaOf(pair: string): Promise<Uint8Array | undefined> {
    const [, from, to] = /^([0-9a-f]{64})-([0-9a-f]{64})$/.exec(pair) ?? [];
    const delta = from === undefined || to === undefined ? undefined : await options.software.delta(from, to);
    return delta && Buffer.from(JSON.stringify(delta));
  }

  function refuse(request: IncomingMessage, response: ServerResponse, fault: Fault): void {
    world.log('warn', 'deviceRequestRefused', { address: request.socket.remoteAddress, fault });
    sendProblem(response, fault);
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    if (request.method === 'POST' && path === devicePaths.enrolments) return await enrol(request, response);
    if (request.method === 'POST' && path === devicePaths.certificates) return await renew(request, response);
    if (request.method === 'GET' && path === devicePaths.revocations) return await sendRevocations(request, response);
    const after = (prefix: string): string => (path.startsWith(`${prefix}/`) ? path.slice(prefix.length + 1) : '');
    if (request.method === 'GET') {
      const [issuing, version] = [after(devicePaths.revocations), after(devicePaths.trust)];
      if (issuing !== '') return await sendRevocations(request, response, issuing);
      if (version !== '') return await sendTrust(request, response, version);
    }
    const job = after(devicePaths.logs);
    if (request.method === 'POST' && job !== '') return await takeLog(request, response, job);
    if (request.method === 'GET' || request.method === 'HEAD') {
      const [digest, part] = [after(devicePaths.artefacts), after(devicePaths.negative)];
      if (digest !== '') return await sendArtefact(request, response, () => Promise.resolve(digest));
      if (part !== '') return await sendArtefact(request, response, () => options.negative.locate(part));
      const target = after(devicePaths.softwareTargets);
      if (target !== '') return await sendArtefact(request, response, async () => options.software.target(target));
      const [file, pair] = [after(devicePaths.softwareMetadata), after(devicePaths.softwareDeltas)];
      if (file !== '') return await sendJson(request, response, () => options.software.metadata(file));
      if (pair !== '') return await sendJson(request, response, () => deltaOf(pair));
    }
    refuse(request, response, fail('ROUTE_UNKNOWN').fault);
  }

  const server = createServer(
    {
      cert: options.tls.cert,
      key: options.tls.key,
      ca: [...options.tls.ca],
      minVersion: 'TLSv1.3',
      requestCert: true,
      // A terminal that enrols has no certificate yet; whoever needs one is checked per request.
      rejectUnauthorized: false,
      handshakeTimeout: 5_000,
      maxHeaderSize: 8_192,
      headersTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: 15_000,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      route(request, response).catch((cause: unknown) => {
        // A terminal that hangs up in the middle of a download is not our fault.
        if (response.destroyed || response.writableFinished) return;
        world.log('error', 'deviceRequestFailed', {
          fault: cause instanceof FaultError ? cause.fault : fail('INTERNAL', { cause }).fault,
        });
        if (response.headersSent) response.destroy();
        else sendProblem(response, fail('INTERNAL').fault);
      });
    },
  );
  followTls(server, options.tls.follow);
  server.maxConnections = 4_096;
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    world.log('warn', 'deviceHandshakeFailed', {
      address: socket.remoteAddress,
      fault: fail('TLS_HANDSHAKE_FAILED', { facts: { error: error.code ?? 'unknown' } }).fault,
    });
    // A handshake that ran out of time is only reported: the connection would stay.
    socket.destroy();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    world.log('warn', 'deviceBytesRefused', {
      fault: fail('INPUT_INVALID', { facts: { error: error.code ?? 'unknown' } }).fault,
    });
    if (!socket.writable) return void socket.destroy();
    const body = JSON.stringify(problemOf(fail('INPUT_INVALID').fault));
    const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request';
    socket.end(
      `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });
  server.on('drop', () => world.log('warn', 'deviceConnectionDropped', { fault: fail('CONNECTION_LIMIT').fault }));

  const port = await listen(server, options.host, options.port, 'device');
  if (!port.ok) return port;
  return ok({
    port: port.value,
    disconnect(serial) {
      for (const [socket, owner] of owners) if (owner === serial) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

/** A fault as the far side sees it (RFC 9457). */
export function problemOf({ code, field }: Fault): Problem {
  const { says, next } = errorTable[code].en;
  return {
    type: `urn:tsunagu:error:${code}`,
    title: says,
    status: deviceStatus(code),
    code,
    detail: next,
    ...(field !== undefined && { field: String(field) }),
  };
}

function sendProblem(response: ServerResponse, fault: Fault): void {
  const body = problemOf(fault);
  // What is left of a refused request is not read: the connection goes with it.
  response.writeHead(body.status, { 'content-type': 'application/problem+json', connection: 'close' });
  response.end(JSON.stringify(body));
}

/** The certificate that the far side showed, when its chain is ours. */
const peerOf = (request: IncomingMessage): X509Certificate | undefined =>
  request.socket instanceof TlsSocket && request.socket.authorized
    ? request.socket.getPeerX509Certificate()
    : undefined;

/** Reads a body up to `bodyLengthMax`; what comes after that is left unread, so that the refusal still gets through. */
const readBody = (request: IncomingMessage): Promise<Result<Uint8Array, 'BODY_TOO_LARGE'>> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const take = (part: Buffer): void => {
      length += part.length;
      if (length <= bodyLengthMax) return void parts.push(part);
      request.off('data', take);
      request.pause();
      resolve(fail('BODY_TOO_LARGE', { facts: { lengthMax: bodyLengthMax } }));
    };
    request.on('data', take);
    request.once('end', () => resolve(ok(Buffer.concat(parts))));
    request.once('error', reject);
    request.once('close', () => reject(new Error('the request broke off')));
  });

/** One range of bytes (RFC 9110, 14.1.2). Several at once, or another unit, are answered with the whole. */
function rangeOf(
  header: string | undefined,
  size: number,
): 'whole' | 'unsatisfiable' | { readonly start: number; readonly end: number } {
  const match = header === undefined ? null : /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header);
  if (!match || (match[1] === '' && match[2] === '')) return 'whole';
  if (match[1] === '') {
    const suffix = Number(match[2]);
    return suffix === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - suffix), end: size - 1 };
  }
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start > end ? 'unsatisfiable' : { start, end };
}
