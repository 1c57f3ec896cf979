import { request } from 'node:http';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Timers } from '@tsunagu/protocols/world';
import type { NetworkFault } from './network.ts';
import type { SecureNetwork } from './secure.ts';

/** A request to the device API. */
export interface HttpsRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The most that the body of the answer may be; a longer one is ANSWER_TOO_LONG. */
  readonly lengthMax: number;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  /** Takes the body piece by piece, instead of the answer's `body`. */
  readonly onBytes?: (piece: Uint8Array) => void;
}

export interface HttpsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

export type HttpsFault = NetworkFault | 'LINK_REFUSED' | 'ANSWER_TIMED_OUT' | 'MESSAGE_INVALID';

/** One HTTPS exchange with the device API on a connection of its own. Never follows a redirection. */
export async function exchange(
  network: SecureNetwork,
  host: string,
  timers: Timers,
  asked: HttpsRequest,
): Promise<Result<HttpsAnswer, HttpsFault>> {
  const opened = await network.open('device', asked.timeoutMs);
  if (!opened.ok) return opened;
  const socket = opened.value;
  return new Promise((resolve) => {
    const finish = (result: Result<HttpsAnswer, HttpsFault>): void => {
      timer.cancel();
      socket.destroy();
      resolve(result);
    };
    const timer = timers.after(asked.timeoutMs, () => finish(fail('ANSWER_TIMED_OUT')));
    const outgoing = request({
      createConnection: () => socket,
      method: asked.method,
      path: asked.path,
      headers: {
        host,
        connection: 'close',
        ...(asked.body !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(asked.body),
        }),
        ...asked.headers,
      },
    });
    outgoing.once('error', (cause) => finish(fail('LINK_DOWN', { cause })));
    outgoing.once('response', (incoming) => {
      const pieces: Uint8Array[] = [];
      let length = 0;
      incoming.on('data', (piece: Buffer) => {
        length += piece.length;
        if (length > asked.lengthMax)
          finish(fail('MESSAGE_INVALID', { field: 'length', facts: { lengthMax: asked.lengthMax } }));
        else if (asked.onBytes) asked.onBytes(piece);
        else pieces.push(piece);
      });
      incoming.once('error', (cause) => finish(fail('LINK_DOWN', { cause })));
      incoming.once('aborted', () => finish(fail('LINK_DOWN', { facts: { length } })));
      incoming.once('end', () =>
        finish(ok({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(pieces) })),
      );
    });
    outgoing.end(asked.body);
  });
}
