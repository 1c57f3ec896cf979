import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { World } from '@tsunagu/protocols/world';
import type { Target } from './address.ts';

/** What became of an attempt. */
export interface Attempt {
  readonly status: number | null;
  readonly fault:
    | 'WEBHOOK_STATUS'
    | 'WEBHOOK_REDIRECTED'
    | 'WEBHOOK_TIMEOUT'
    | 'WEBHOOK_UNREACHABLE'
    | 'WEBHOOK_URL_REFUSED'
    | null;
  /** What `Retry-After` asks for, in milliseconds. */
  readonly retryAfterMs: number | null;
}

const answerBytesMax = 4_096;

/**
 * Posts a body to the address that was checked, whatever its name says by now. Redirects are not followed, the answer is
 * not kept, and the whole of it has a deadline.
 */
export function post(
  world: Pick<World, 'timers'>,
  { url, address, family }: Target,
  headers: Readonly<Record<string, string>>,
  body: string,
  timeoutMs: number,
): Promise<Attempt> {
  return new Promise((resolve) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request = send(url, {
      method: 'POST',
      agent: false,
      headers: {
        ...headers,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'tsunagu-webhooks/1',
      },
      lookup: (_host, options, done) => (options.all ? done(null, [{ address, family }]) : done(null, address, family)),
    });
    const end = (attempt: Attempt): void => {
      timer.cancel();
      request.destroy();
      resolve(attempt);
    };
    const timer = world.timers.after(timeoutMs, () =>
      end({ status: null, fault: 'WEBHOOK_TIMEOUT', retryAfterMs: null }),
    );
    request.on('error', () => end({ status: null, fault: 'WEBHOOK_UNREACHABLE', retryAfterMs: null }));
    request.on('response', (response) => {
      const status = response.statusCode ?? 0;
      const asked = Number(response.headers['retry-after'] ?? Number.NaN);
      const retryAfterMs = Number.isFinite(asked) && asked > 0 ? asked * 1_000 : null;
      const fault =
        status >= 200 && status < 300
          ? null
          : status >= 300 && status < 400
            ? ('WEBHOOK_REDIRECTED' as const)
            : ('WEBHOOK_STATUS' as const);
      let read = 0;
      const done = (): void => end({ status, fault, retryAfterMs });
      response.on('data', (part: Buffer) => {
        read += part.length;
        if (read > answerBytesMax) done();
      });
      response.on('end', done);
      response.on('error', done);
    });
    request.end(body);
  });
}
