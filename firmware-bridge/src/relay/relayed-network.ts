import type { Socket } from 'node:net';
import type { Serial } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Timers } from '@tsunagu/protocols/world';
import { dial, type Network } from '../link/index.ts';
import { type RelayRequest, takeLine, writeRequest } from './handshake.ts';

/** The network of a child: its parent's relay, and nothing else. */
export const relayedNetwork = (
  parent: { readonly host: string; readonly port: number },
  serial: Serial,
  timers: Timers,
): Network => ({
  open: (service, timeoutMs) => dialRelay(parent, { service, serial }, timeoutMs, timers),
});

/** Asks a parent for a service. */
export async function dialRelay(
  parent: { readonly host: string; readonly port: number },
  request: RelayRequest,
  timeoutMs: number,
  timers: Timers,
): Promise<Result<Socket, 'RELAY_UNAVAILABLE'>> {
  const dialled = await dial(parent.host, parent.port, timeoutMs, timers);
  if (!dialled.ok) return fail('RELAY_UNAVAILABLE', { cause: dialled.fault });
  const socket = dialled.value;
  socket.write(writeRequest(request));
  const answer = await takeLine(socket, timeoutMs, timers);
  if (answer.ok && answer.value === 'OK') return ok(socket);
  socket.destroy();
  const said = answer.ok ? (/^NO ([A-Z_]{1,60})$/.exec(answer.value)?.[1] ?? 'unreadable') : 'nothing';
  return fail('RELAY_UNAVAILABLE', { facts: { service: request.service, said } });
}
