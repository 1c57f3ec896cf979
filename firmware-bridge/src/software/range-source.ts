import { Agent, type IncomingMessage, request } from 'node:http';
import { type Duplex, PassThrough } from 'node:stream';
import { fail, FaultError, type Result } from '@tsunagu/protocols/kit';
import type { Timers } from '@tsunagu/protocols/world';
import type { HttpsFault, SecureNetwork } from '../link/index.ts';
import type { SharedLine } from './line.ts';

export type RangeFault = HttpsFault | 'ARTEFACT_UNAVAILABLE';

/** How a read ended, and what came of it in any case: nothing that came is asked for again. */
export interface RangeRead {
  readonly bytes: Uint8Array;
  /** Undefined when all came; `yielded` when somebody else needed the line. */
  readonly end: 'whole' | 'yielded' | Extract<Result<never, RangeFault>, { ok: false }>;
}

/** Somebody who has bytes. One connection is kept for all that is asked of him. */
export interface RangeSource {
  /** Who it is, for people. */
  readonly name: string;
  /** @param path with `start` and `length` beside it: the source knows how they are asked for */
  read(path: string, range: { readonly start: number; readonly length: number } | 'all'): Promise<RangeRead>;
  close(): void;
}

export interface HttpSourceOptions {
  readonly name: string;
  readonly host: string;
  readonly timers: Timers;
  /** Opens a connection that is ready for HTTP. */
  readonly open: (timeoutMs: number) => Promise<Result<Duplex, HttpsFault>>;
  readonly line: SharedLine;
  /** The most that is read of an answer whose length was not asked for. */
  readonly lengthMax: number;
}

/** What the server is called among sources. */
export const serverName = 'server';
/** The most of an answer whose length is not known before: metadata are the largest. */
const answerLengthMax = 524_288;
const dialTimeoutMs = 30_000;
/** So long may nothing at all come. There is no bound on the whole: a line may be slow. */
const silenceMs = 60_000;

/** A source that speaks HTTP/1.1 with ranges (RFC 9110, 14). */
export function httpSource({ name, host, timers, open, line, lengthMax }: HttpSourceOptions): RangeSource {
  const agent = new OneConnection(open);
  return {
    name,
    close: () => agent.destroy(),
    async read(path, range) {
      await line.free();
      return new Promise((resolve) => {
        const pieces: Uint8Array[] = [];
        const wanted = range === 'all' ? lengthMax : range.length;
        let length = 0;
        const finish = (end: RangeRead['end']): void => {
          silence.cancel();
          stay();
          if (end !== 'whole') outgoing.destroy();
          resolve({ bytes: Buffer.concat(pieces), end });
        };
        const answer = (end: RangeRead['end']): void => {
          silence.cancel();
          stay();
          resolve({ bytes: new Uint8Array(0), end });
        };
        const listen = () => timers.after(silenceMs, () => finish(fail('ANSWER_TIMED_OUT')));
        const outgoing = request({
          agent,
          path,
          headers: {
            host,
            ...(range !== 'all' && { range: `bytes=${range.start}-${range.start + range.length - 1}` }),
          },
        });
        let silence = listen();
        const stay = line.whenWanted(() => finish('yielded'));
        outgoing.on('error', (cause) =>
          finish(cause instanceof FaultError ? asHttps(cause) : fail('LINK_DOWN', { cause })),
        );
        outgoing.once('response', (incoming) => {
          const { statusCode: status = 0 } = incoming;
          if (!isAnswer(incoming, range)) {
            // The connection is of further use when what it says is read to its end.
            incoming.resume();
            return answer(fail('ARTEFACT_UNAVAILABLE', { facts: { status } }));
          }
          incoming.on('data', (piece: Buffer) => {
            silence.cancel();
            silence = listen();
            length += piece.length;
            if (length > wanted) finish(fail('MESSAGE_INVALID', { field: 'length', facts: { lengthMax: wanted } }));
            else pieces.push(piece);
          });
          incoming.once('error', (cause) => finish(fail('LINK_DOWN', { cause })));
          incoming.once('aborted', () => finish(fail('LINK_DOWN', { facts: { length } })));
          incoming.once('end', () =>
            finish(range === 'all' || length === wanted ? 'whole' : fail('LINK_DOWN', { facts: { length } })),
          );
        });
        outgoing.end();
      });
    },
  };
}

/** The device API as a source. */
export const serverSource = (
  timers: Timers,
  { network, host }: { readonly network: SecureNetwork; readonly host: string },
  line: SharedLine,
): RangeSource =>
  httpSource({
    name: serverName,
    host,
    timers,
    open: (timeoutMs) => network.open('device', timeoutMs),
    line,
    lengthMax: answerLengthMax,
  });

/** A source that ignores ranges answers with the whole, which is right only when it is asked from its beginning and is no longer. */
function isAnswer({ statusCode, headers }: IncomingMessage, range: { start: number; length: number } | 'all'): boolean {
  if (range === 'all') return statusCode === 200;
  if (statusCode === 200) return range.start === 0 && headers['content-length'] === String(range.length);
  return statusCode === 206 && (headers['content-range'] ?? '').startsWith(`bytes ${range.start}-`);
}

const asHttps = ({ fault }: FaultError): Extract<Result<never, RangeFault>, { ok: false }> => {
  const { code } = fault;
  return code === 'LINK_REFUSED' || code === 'RELAY_UNAVAILABLE'
    ? fail(code, fault)
    : fail('LINK_DOWN', { cause: fault });
};

/** Keeps one connection for requests that follow one another. */
class OneConnection extends Agent {
  readonly #open: HttpSourceOptions['open'];

  constructor(open: HttpSourceOptions['open']) {
    super({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
    this.#open = open;
  }

  /** Node waits for the call when nothing is returned. */
  override createConnection(_: unknown, opened?: (error: Error | null, stream: Duplex) => void): undefined {
    void this.#open(dialTimeoutMs).then((socket) => {
      if (socket.ok) opened?.(null, socket.value);
      else opened?.(new FaultError(socket.fault), new PassThrough());
    });
  }
}
