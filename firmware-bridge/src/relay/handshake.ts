import type { Socket } from 'node:net';
import { type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import { asBuffer, concat, fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Timers } from '@tsunagu/protocols/world';
import { services } from '../link/index.ts';

/** What a parent carries to the server, and `cache`: what it keeps itself. */
export const relayServices = [...services, 'cache'] as const;
export type RelayService = (typeof relayServices)[number];

/**
 * How a child asks its parent for a service: one line `TSUNAGU-RELAY/1 <service> <serial>`, answered by `OK` or `NO <CODE>`,
 * each ended by a line feed. After OK the bytes belong to child and server (TLS, end to end).
 */
export interface RelayRequest {
  readonly service: RelayService;
  readonly serial: Serial;
}

/** The longest line of either side, with its end. */
const lineLengthMax = 80;

export const writeRequest = ({ service, serial }: RelayRequest): string => `TSUNAGU-RELAY/1 ${service} ${serial}\n`;

/** Reads the child's line, without its end. */
export function readRequest(
  line: string,
): Result<RelayRequest, 'RELAY_REQUEST_INVALID' | 'RELAY_SERVICE_UNKNOWN' | 'RELAY_CHILD_UNKNOWN'> {
  const match = /^TSUNAGU-RELAY\/1 ([a-z]{1,16}) ([A-Z0-9-]{1,32})$/.exec(line);
  if (!match) return fail('RELAY_REQUEST_INVALID', { facts: { length: line.length } });
  const service = relayServices.find((known) => known === match[1]);
  if (!service) return fail('RELAY_SERVICE_UNKNOWN');
  const serial = serialSchema.safeParse(match[2]);
  return serial.success ? ok({ service, serial: serial.data }) : fail('RELAY_CHILD_UNKNOWN');
}

/**
 * Takes one line off a socket, which is paused and empty afterwards. Both sides speak in turn: a line that is followed by
 * more bytes, is too long, or does not come in time is RELAY_REQUEST_INVALID.
 */
export const takeLine = (
  socket: Socket,
  timeoutMs: number,
  timers: Timers,
): Promise<Result<string, 'RELAY_REQUEST_INVALID'>> =>
  new Promise((resolve) => {
    let bytes: Uint8Array = new Uint8Array(0);
    const finish = (result: Result<string, 'RELAY_REQUEST_INVALID'>): void => {
      timer.cancel();
      socket.off('data', arrived);
      socket.off('end', ended);
      socket.off('error', ended);
      socket.pause();
      resolve(result);
    };
    const invalid = (why: string): void => finish(fail('RELAY_REQUEST_INVALID', { facts: { why } }));
    const ended = (): void => invalid('closed');
    const timer = timers.after(timeoutMs, () => invalid('timeout'));
    const arrived = (chunk: Uint8Array): void => {
      bytes = concat(bytes, chunk);
      const end = bytes.indexOf(0x0a);
      if (end === -1 ? bytes.length >= lineLengthMax : end + 1 !== bytes.length) return invalid('length');
      if (end !== -1) finish(ok(asBuffer(bytes.subarray(0, end)).toString('latin1')));
    };
    socket.on('data', arrived);
    socket.once('end', ended);
    socket.once('error', ended);
    socket.resume();
  });
