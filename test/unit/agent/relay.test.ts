import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { directNetwork, type Network } from '@tsunagu/firmware-bridge/link/index';
import { openRelay, type Relay, relayedNetwork } from '@tsunagu/firmware-bridge/relay/index';
import { serialSchema } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from './tiny-server.ts';

const lines: string[] = [];
const world = systemWorld((level, event, facts) => lines.push(JSON.stringify([level, event, facts])));
const child = serialSchema.parse('JTC07-0001');
const parentSockets: Socket[] = [];
let upstream: Server;
let relay: Relay;

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));

let network: Network;
const openedRelay = async (requestTimeoutMs?: number): Promise<Relay> =>
  unwrap(
    await openRelay({
      world,
      network,
      host: '127.0.0.1',
      port: 0,
      children: [child],
      ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
    }),
  );
beforeAll(async () => {
  upstream = createServer((socket) => {
    parentSockets.push(socket);
    socket.pipe(socket);
    socket.on('error', () => undefined);
  });
  const echo = await listen(upstream);
  network = directNetwork({ host: '127.0.0.1', fleet: echo, device: echo, acquiring: 1 }, world.timers);
  relay = await openedRelay(60_000);
});
afterAll(async () => {
  await relay.close();
  upstream.close();
});

/** Says something to the relay and hears what it says until it closes. */
const say = (bytes: string | Buffer, to = relay): Promise<string> =>
  new Promise((resolve) => {
    let heard = '';
    const socket = connect(to.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(heard));
  });

test('carries a known child’s bytes to a named service and back', async () => {
  const socket = unwrap(
    await relayedNetwork({ host: '127.0.0.1', port: relay.port }, child, world.timers).open('fleet', 60_000),
  );
  const megabyte = Buffer.alloc(1_000_000, 'tsunagu');
  let heard = 0;
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.length;
  });
  socket.resume();
  socket.write(megabyte);
  await until(() => heard === megabyte.length);
  parentSockets.at(-1)?.destroy();
  await until(() => socket.destroyed);
});

test.each([
  ['an unknown child', 'TSUNAGU-RELAY/1 fleet CT5100-0001\n', 'NO RELAY_CHILD_UNKNOWN\n'],
  ['an unknown service', 'TSUNAGU-RELAY/1 management JTC07-0001\n', 'NO RELAY_SERVICE_UNKNOWN\n'],
  ['another version', 'TSUNAGU-RELAY/2 fleet JTC07-0001\n', 'NO RELAY_REQUEST_INVALID\n'],
  ['garbage', '\x16\x03\x01\x00\xff no such thing\n', 'NO RELAY_REQUEST_INVALID\n'],
  ['an endless line', Buffer.alloc(100_000, 0x41), 'NO RELAY_REQUEST_INVALID\n'],
  ['bytes that come too early', 'TSUNAGU-RELAY/1 fleet JTC07-0001\nmore', 'NO RELAY_REQUEST_INVALID\n'],
  ['a service that is down', 'TSUNAGU-RELAY/1 acquiring JTC07-0001\n', 'NO RELAY_UNAVAILABLE\n'],
])('refuses %s with its code, and closes', async (_, bytes, answer) => {
  const before = parentSockets.length;
  expect(answer.startsWith(await say(bytes)) || (await say(bytes)) === answer).toBe(true);
  expect(parentSockets.length).toBe(before);
  expect(lines.join('\n')).toContain(answer.slice(3, -1));
});

test.each([
  ['half a line', 'TSUNAGU-RELAY/1 fle'],
  ['nothing', ''],
])('does not wait for ever for one that says %s', async (_, bytes) => {
  // A relay of its own: whoever says a whole line may take longer than this on a busy machine.
  const impatient = await openedRelay(300);
  const before = parentSockets.length;
  expect(await say(bytes, impatient)).toBe('NO RELAY_REQUEST_INVALID\n');
  expect(parentSockets.length).toBe(before);
  await impatient.close();
});

test('one child cannot take all connections', async () => {
  const network = relayedNetwork({ host: '127.0.0.1', port: relay.port }, child, world.timers);
  const opened = [];
  for (let count = 0; count < 8; count++) opened.push(unwrap(await network.open('fleet', 60_000)));
  expect(await network.open('fleet', 60_000)).toMatchObject({
    fault: { code: 'RELAY_UNAVAILABLE', facts: { said: 'RELAY_FULL' } },
  });
  for (const socket of opened) socket.destroy();
  await until(() => lines.length > 0);
});

test('a taken port is a fault that names it', async () => {
  const network = directNetwork({ host: '127.0.0.1', fleet: 1, device: 1, acquiring: 1 }, world.timers);
  const second = await openRelay({ world, network, host: '127.0.0.1', port: relay.port, children: [child] });
  expect(second).toMatchObject({ fault: { code: 'PORT_TAKEN', facts: { port: relay.port, name: 'relay' } } });
});
