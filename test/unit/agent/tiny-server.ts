import { createHash, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import {
  agreeKeyBlockProtectionKey,
  type ClaimBundle,
  devicePaths,
  downTopic,
  type Envelope,
  encodeEnvelope,
  enrolmentRequest,
  isClaimProven,
  negativeHeadTopic,
  parseEnvelope,
  parseUpTopic,
  serialSchema,
  type SignedDocument,
  signDocument,
  tenantSchema,
  terminalUri,
  type UpTopic,
} from '@tsunagu/protocols/fleet';
import { Secret, unwrap } from '@tsunagu/protocols/kit';
import { encodeSigned } from '@tsunagu/protocols/negative/authority';
import { buildCertificate, parseCertificateRequest, toPem } from '@tsunagu/protocols/x509';
import { Aedes } from 'aedes';
import { authority } from '../../negative/signers.ts';
import { TestRepository } from '../software/repository.ts';

export const tenant = tenantSchema.parse('demo');
export const serial = serialSchema.parse('CT5100-0001');
const day = 86_400_000;

const pair = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

/** A signing key as a terminal pins it. */
function signer(): { key: KeyObject; kid: string; publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return {
    key: privateKey,
    kid: createHash('sha256').update(spki).digest('hex').slice(0, 16),
    publicKey: spki.toString('base64'),
  };
}

/** What came up, read. */
export interface Arrived {
  readonly topic: UpTopic;
  readonly message: Envelope;
}

/**
 * The least of a fleet server that a terminal can be tested against: a CA, a broker over TLS, the device API. It remembers
 * what it saw, and each test says how it answers.
 */
export class TinyServer {
  readonly jobSigner = signer();
  /** A key that no terminal pins. */
  readonly strangeSigner = signer();
  /** The root of the negative lists that an enrolment hands out. */
  negativeRoot: Uint8Array = encodeSigned(authority(Math.floor(Date.now() / 1_000)).root);
  /** Parts of negative lists by their name. */
  readonly negativeParts = new Map<string, Uint8Array>();
  readonly rootCertificate: string;
  readonly claimSecret = randomBytes(32);
  readonly arrived: Arrived[] = [];
  readonly artefacts = new Map<string, Uint8Array>();
  /** What vouches for software, and the ways between images by `FROM-TO`. */
  readonly repository = new TestRepository();
  readonly deltas = new Map<string, object>();
  readonly artefactRequests: { name: string; range: string | undefined; serial: string }[] = [];
  /** Enrolments that were answered, by the SPKI of the terminal's key. */
  readonly enrolled: string[] = [];
  /** Called before an enrolment is answered; returning false hangs up instead. */
  beforeAnswer: () => boolean = () => true;
  /** Called for each artefact request; may answer by itself. */
  onArtefact: ((bytes: Uint8Array, request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Makes the body of the answer to a message that carries a correlation id. */
  answer: (arrived: Arrived) => unknown = () => undefined;
  /** Whether the broker lets terminals in. */
  admits = true;
  keyBlockProtectionKey: Secret<'key'> | undefined;
  readonly #issuing = pair();
  readonly #issuingCertificate: string;
  readonly #serverTls: { key: string; cert: string; ca: string[]; minVersion: 'TLSv1.3' };
  #broker: Aedes | undefined;
  #fleet: TlsServer | undefined;
  #device: HttpsServer | undefined;
  readonly #sockets = new Set<TLSSocket>();
  #seq = 0;

  constructor() {
    const root = pair();
    const name = { commonName: 'Test root' };
    const now = Date.now();
    const authority = (publicKey: KeyObject, commonName: string, pathLength: number) =>
      toPem(
        'CERTIFICATE',
        buildCertificate(
          {
            serialNumber: Uint8Array.of(1, ...randomBytes(8)),
            subject: { commonName },
            publicKey,
            notBefore: now - day,
            notAfter: now + 365 * day,
            use: { kind: 'authority', pathLength },
          },
          { name, privateKey: root.privateKey },
        ),
      );
    this.rootCertificate = authority(root.publicKey, 'Test root', 1);
    this.#issuingCertificate = authority(this.#issuing.publicKey, 'Test issuing', 0);
    const server = pair();
    const cert = this.#leaf(server.publicKey, 'server', 'serverAuth', [{ dns: 'localhost' }, { ip: '127.0.0.1' }]);
    this.#serverTls = {
      key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      cert,
      ca: [this.rootCertificate, this.#issuingCertificate],
      minVersion: 'TLSv1.3',
    };
  }

  #leaf(
    publicKey: KeyObject,
    commonName: string,
    purpose: 'serverAuth' | 'clientAuth',
    names: ({ dns: string } | { ip: string } | { uri: string })[],
  ): string {
    const der = buildCertificate(
      {
        serialNumber: Uint8Array.of(1, ...randomBytes(8)),
        subject: { commonName },
        publicKey,
        notBefore: Date.now() - day,
        notAfter: Date.now() + 90 * day,
        use: { kind: 'leaf', purposes: [purpose], names },
      },
      { name: { commonName: 'Test issuing' }, privateKey: this.#issuing.privateKey },
    );
    return toPem('CERTIFICATE', der) + this.#issuingCertificate;
  }

  /** A certificate for a terminal's key, as an enrolment gives it. */
  terminalCertificate(publicKey: KeyObject, name: string = serial): string {
    return this.#leaf(publicKey, name, 'clientAuth', [{ uri: terminalUri(tenant, serialSchema.parse(name)) }]);
  }

  /** TLS options of a server of this CA that wants a client certificate. */
  get tls() {
    return { ...this.#serverTls, requestCert: true, rejectUnauthorized: true };
  }

  async start(): Promise<this> {
    const broker = await Aedes.createBroker({
      concurrency: 100,
      authenticate: (_client, _name, _password, settle) =>
        this.admits ? settle(null, true) : settle(Object.assign(new Error('no'), { returnCode: 5 as const }), false),
    });
    this.#broker = broker;
    broker.on('publish', (packet, client) => {
      const up = parseUpTopic(packet.topic);
      if (!client || !up) return;
      const message = unwrap(parseEnvelope(Buffer.from(packet.payload)));
      const arrived = { topic: up.topic, message };
      this.arrived.push(arrived);
      const body = message.corr === undefined ? undefined : this.answer(arrived);
      if (body !== undefined && message.corr !== undefined)
        this.send(downTopic(tenant, serial, { kind: 'response', corr: message.corr }), 'response', body);
    });
    const fleet = createTlsServer(this.tls, (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      broker.handle(socket);
    });
    const device = createHttpsServer(
      { ...this.#serverTls, requestCert: true, rejectUnauthorized: false },
      (request, response) => void this.#serve(request, response),
    );
    this.#fleet = fleet;
    this.#device = device;
    for (const server of [fleet, device]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get ports(): { fleet: number; device: number } {
    const port = (server: TlsServer | HttpsServer | undefined) =>
      (server?.address() as AddressInfo | undefined)?.port ?? 0;
    return { fleet: port(this.#fleet), device: port(this.#device) };
  }

  claim(overrides: Partial<ClaimBundle> = {}): ClaimBundle {
    return {
      tenant,
      serial,
      model: 'CT-5100',
      claimSecret: this.claimSecret.toString('base64'),
      rootCertificate: this.rootCertificate,
      endpoints: { host: '127.0.0.1', acquiring: 1, ...this.ports },
      ...overrides,
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    if (request.url === devicePaths.enrolments) return this.#enrol(Buffer.concat(pieces).toString(), response);
    const peer = (request.socket as TLSSocket).getPeerCertificate();
    const url = request.url ?? '';
    const name = url.slice(url.lastIndexOf('/') + 1);
    const found = url.startsWith(devicePaths.softwareMetadata)
      ? this.repository.files.get(name)
      : url.startsWith(devicePaths.softwareDeltas) && JSON.stringify(this.deltas.get(name));
    if (typeof found === 'string') return void response.end(found);
    const bytes = url.startsWith(devicePaths.negative) ? this.negativeParts.get(name) : this.artefacts.get(name);
    this.artefactRequests.push({ name, range: request.headers.range, serial: peer.subject?.CN as string });
    if (!bytes || !peer.subject) return void response.writeHead(404).end();
    if (this.onArtefact?.(bytes, request, response)) return;
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const from = Number(range?.[1] ?? 0);
    const piece = bytes.subarray(from, range?.[2] ? Number(range[2]) + 1 : undefined);
    response.writeHead(range ? 206 : 200, {
      'content-length': piece.length,
      ...(range && { 'content-range': `bytes ${from}-${from + piece.length - 1}/${bytes.length}` }),
    });
    response.end(piece);
  }

  #enrol(body: string, response: ServerResponse): void {
    const asked = enrolmentRequest.parse(JSON.parse(body));
    const proven = isClaimProven(Secret.copy('claim', this.claimSecret), asked);
    const csr = parseCertificateRequest(Uint8Array.from(Buffer.from(asked.csr, 'base64')));
    const fingerprint = csr.ok ? Buffer.from(csr.value.spki).toString('hex') : '';
    if (!proven || !csr.ok || (this.enrolled[0] !== undefined && this.enrolled[0] !== fingerprint)) {
      const code = proven ? 'CLAIM_USED' : 'CLAIM_INVALID';
      response.writeHead(403, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify({ type: 'about:blank', title: code, status: 403, code, detail: '' }));
      return;
    }
    this.enrolled.push(fingerprint);
    const agreement = pair();
    const agreementKey = agreement.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    this.keyBlockProtectionKey = agreeKeyBlockProtectionKey(
      agreement.privateKey,
      asked.agreementKey,
      asked.agreementKey,
      agreementKey,
      asked.serial,
    );
    if (!this.beforeAnswer()) return void response.destroy();
    const { kid, publicKey } = this.jobSigner;
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        certificateChain: this.terminalCertificate(csr.value.publicKey, asked.serial),
        agreementKey,
        jobKey: { kid, publicKey },
        negativeRoot: Buffer.from(this.negativeRoot).toString('base64'),
      }),
    );
  }

  /** Publishes an envelope of the server. */
  send(topic: string, ct: string, body: unknown, more: Partial<Envelope> = {}, retain = false): void {
    this.#seq += 1;
    const message = { v: 1 as const, id: `s${this.#seq}`, iat: Date.now(), boot: 0, seq: this.#seq, ct, body, ...more };
    this.sendBytes(topic, encodeEnvelope(message), retain);
  }

  sendBytes(topic: string, payload: Buffer, retain = false): void {
    this.#broker?.publish({ cmd: 'publish', topic, payload, qos: 1, retain, dup: false }, () => undefined);
  }

  notify(body: { configuration?: number; jobs?: number; hello?: true }): void {
    this.send(downTopic(tenant, serial, { kind: 'notify' }), 'notify', body);
  }

  order(payload: Record<string, unknown>, key = this.jobSigner): SignedDocument {
    const text = JSON.stringify({ tenant, serial, attempt: 1, exp: Date.now() + day, ...payload });
    return signDocument('tsunagu-job-v1', text, key.kid, key.key);
  }

  publishHead(list: string, bytes: Uint8Array): void {
    this.sendBytes(negativeHeadTopic(tenant, list), Buffer.from(bytes), true);
  }

  /** Pulls the cable of every connection. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.dropConnections();
    this.#device?.closeAllConnections();
    await new Promise<void>((resolve) => (this.#fleet ? this.#fleet.close(() => resolve()) : resolve()));
    await new Promise<void>((resolve) => (this.#device ? this.#device.close(() => resolve()) : resolve()));
    await new Promise<void>((resolve) => (this.#broker ? this.#broker.close(() => resolve()) : resolve()));
  }
}

/** Waits until something holds, or fails after a minute, which is for what hangs. */
export async function until<T>(what: () => T | undefined | false, label = 'condition'): Promise<T> {
  for (let tries = 0; tries < 6_000; tries++) {
    const value = what();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`waited too long for ${label}`);
}
