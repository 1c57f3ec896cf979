import type { Serial } from '@tsunagu/protocols/fleet';
import { fail, ok } from '@tsunagu/protocols/kit';
import type { Timers } from '@tsunagu/protocols/world';
import { dial, type Network } from '../link/index.ts';
import { takeLine, writeRequest } from './handshake.ts';

/** The network of a child: its parent's relay, and nothing else. */
export const relayedNetwork = (
  parent: { readonly host: string; readonly port: number },
  serial: Serial,
  timers: Timers,
): Network => ({
  async open(service, timeoutMs) {
    const dialled = await dial(parent.host, parent.port, timeoutMs, timers);
    if (!dialled.ok) return fail('RELAY_UNAVAILABLE', { cause: dialled.fault });
    const socket = dialled.value;
    socket.write(writeRequest({ service, serial }));
    const answer = await takeLine(socket, timeoutMs, timers);
    if (answer.ok && answer.value === 'OK') return ok(socket);
    socket.destroy();
    const said = answer.ok ? (/^NO ([A-Z_]{1,60})$/.exec(answer.value)?.[1] ?? 'unreadable') : 'nothing';
    return fail('RELAY_UNAVAILABLE', { facts: { service, said } });
  },
});
