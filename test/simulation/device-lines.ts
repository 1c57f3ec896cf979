import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { Duplex } from 'node:stream';
import { X509Certificate } from 'node:crypto';
import type { ClientIdentity, SecureNetwork } from '@tsunagu/firmware-bridge/link/index';
import { readFrame, terminalFrame } from '@tsunagu/protocols/acquiring';
import { devicePaths, jobIdSchema, logPiece, renewalRequest, type Serial } from '@tsunagu/protocols/fleet';
import { FrameReader } from '@tsunagu/protocols/iso8583';
import { fail, ok, toHex } from '@tsunagu/protocols/kit';
import { problemOf } from '@tsunagu/fleet-server/device-api/device-api';
import type { Fixture } from './fixture.ts';
import type { Line } from './link.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedServer } from './server.ts';

/** One end of a line in memory; the other end is its `peer`. */
class LineEnd extends Duplex {
  peer: LineEnd | undefined;
  /** Bytes that still get through before the line is torn. */
  bytesLeft = Number.POSITIVE_INFINITY;

  override _read(): void {
    // What comes is pushed as it comes.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const through = chunk.subarray(0, Math.max(0, this.bytesLeft));
    this.bytesLeft -= chunk.length;
    if (through.length > 0) this.peer?.push(through);
    if (this.bytesLeft < 0) this.destroy(new Error('torn'));
    done();
  }

  override _final(done: () => void): void {
    this.peer?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { peer } = this;
    this.peer = undefined;
    if (peer && !peer.destroyed) peer.destroy();
    done(error);
  }

  // What a TLS socket has besides a stream, and nobody needs here.
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

function lineEnds(): readonly [LineEnd, LineEnd] {
  const near = new LineEnd();
  const far = new LineEnd();
  near.peer = far;
  far.peer = near;
  for (const end of [near, far]) end.on('error', () => undefined);
  return [near, far];
}

/** What the lines of one terminal lead to. */
export interface DeviceLines {
  readonly serial: Serial;
  readonly scheduler: Scheduler;
  readonly fixture: Fixture;
  readonly server: SimulatedServer;
  readonly line: Line;
  /** Bytes after which a download is torn, while that is so. */
  tornAfter: number | undefined;
  /** Downloads that were torn. */
  torn: number;
  /** Every KSN that came to the switch. */
  readonly ksns: string[];
}

/** A network that tells what it shows: there is no TLS to do so. */
export interface SimulatedNetwork extends SecureNetwork {
  readonly shown: X509Certificate | undefined;
}

/** W2 and W3 without TLS: HTTP on lines in memory; a switch that hears requests and never answers. */
export function simulatedNetwork(parts: DeviceLines, identity: ClientIdentity | undefined): SimulatedNetwork {
  let shown = identity && new X509Certificate(identity.certificateChain);
  return {
    get shown() {
      return shown;
    },
    show(next) {
      shown = new X509Certificate(next.certificateChain);
    },
    pin: () => undefined,
    open(service) {
      const { line, server } = parts;
      if (line.isDown || (service === 'device' && !server.isOn)) return Promise.resolve(fail('LINK_DOWN'));
      const [near, far] = lineEnds();
      const close = (): void => void near.destroy();
      line.open.add(close);
      near.once('close', () => line.open.delete(close));
      if (service === 'acquiring') hear(far, parts.ksns);
      else {
        far.bytesLeft = parts.tornAfter ?? Number.POSITIVE_INFINITY;
        parts.scheduler.streams += 1;
        near.once('close', () => {
          parts.scheduler.streams -= 1;
        });
        far.once('error', () => {
          parts.torn += 1;
        });
        deviceApi.emit('connection', far);
        served.set(far, { parts, shown });
      }
      // Nothing above looks at what makes it a TLS socket.
      return Promise.resolve(ok(near as unknown as TLSSocket));
    },
  };
}

/** Notes under which keys requests come. */
function hear(far: LineEnd, ksns: string[]): void {
  const reader = new FrameReader(terminalFrame);
  far.on('data', (chunk: Buffer) => {
    for (const { message } of reader.push(chunk).frames) {
      const frame = readFrame(message);
      if (frame.ok) ksns.push(toHex(frame.value.ksn));
    }
  });
}

/** Between a request and its answer. */
const latencyMs = 20;
const served = new WeakMap<object, Caller>();
const deviceApi = createServer((request, response) => {
  const caller = served.get(request.socket);
  if (caller) serve(caller, request, response).catch(() => response.destroy());
});
deviceApi.unref();

/** Whose line it is, and what the connection shows. */
interface Caller {
  readonly parts: DeviceLines;
  readonly shown: X509Certificate | undefined;
}

async function serve(caller: Caller, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { parts } = caller;
  const path = request.url ?? '';
  const name = path.slice(path.lastIndexOf('/') + 1);
  // Who was wiped asks in vain: there is nobody here who takes a terminal into service.
  if (path === devicePaths.enrolments) return void response.writeHead(503).end();
  if (path === devicePaths.certificates) return await renew(caller, request, response);
  if (path.startsWith(devicePaths.logs)) {
    const piece = logPiece.parse(await bodyOf(request));
    const taken = await parts.server.rooms?.jobs.logs.take(parts.serial, jobIdSchema.parse(name), piece);
    if (!taken?.ok) return void response.writeHead(404).end();
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(taken.value));
  }
  // So there are moments in a download, too.
  await new Promise<void>((resolve) => void parts.scheduler.after(latencyMs, resolve));
  if (!parts.server.isOn) return void request.socket.destroy();
  const { metadata, artefacts } = parts.fixture.software;
  const text = path.startsWith(devicePaths.softwareMetadata) ? metadata.get(name) : undefined;
  if (text !== undefined) return void response.writeHead(200).end(text);
  const bytes = path.startsWith(devicePaths.artefacts) ? artefacts.get(name) : undefined;
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  if (!bytes || !range) return void response.writeHead(404).end();
  const start = Number(range[1]);
  const piece = bytes.subarray(start, Number(range[2]) + 1);
  const place = `bytes ${start}-${start + piece.length - 1}/${bytes.length}`;
  response.writeHead(206, { 'content-length': piece.length, 'content-range': place }).end(piece);
}

/** The next certificate, for whoever is let in with the present one. */
async function renew({ parts, shown }: Caller, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = renewalRequest.parse(await bodyOf(request));
  const answer = await parts.server.whileOn(async ({ admission, certificates }) => {
    const admitted = await admission(shown);
    return admitted.ok && shown ? await certificates.renew(admitted.value, shown, asked) : admitted;
  });
  if (!answer) return void request.socket.destroy();
  response.writeHead(answer.ok ? 200 : 409, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer.ok ? answer.value : problemOf(answer.fault)));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString('utf8'));
}
