import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Connections, limitConnections } from '@tsunagu/fleet-server/switch/connections';
import { logTo } from '@tsunagu/protocols/world';
import { afterEach, expect, test } from 'vitest';
import { openSmallHouse, type Terminal, until } from './small-house.ts';

let server: Server;
const opened: Socket[] = [];
afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

/** A port that says nothing, with room for so many strangers, and who dialled it. */
async function listen(strangersMax: number) {
  const logs: string[] = [];
  const came = new Map<number, Socket>();
  server = createServer((socket) => came.set(socket.remotePort ?? 0, socket));
  const connections: Connections = limitConnections(
    { log: logTo((_level, event) => logs.push(event)) },
    server,
    'test',
    { strangersMax, admittedMax: 2 },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const dial = async (localAddress: string) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    opened.push(socket);
    let isClosed = false;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      isClosed = true;
    });
    await until(() => isClosed || (socket.localPort !== undefined && came.has(socket.localPort)));
    return {
      get isClosed() {
        return isClosed;
      },
      admit: () => {
        const far = came.get(socket.localPort ?? 0);
        return far !== undefined && connections.admit(far);
      },
    };
  };
  return { dial, connections, logs };
}

test('who opens many and says nothing ends their own: whoever dials from elsewhere, and whoever is known, stays', async () => {
  const { dial, connections, logs } = await listen(20);
  const known = await dial('127.0.0.2');
  expect(known.admit()).toBe(true);
  const neighbour = await dial('127.0.0.1');
  const many: Awaited<ReturnType<typeof dial>>[] = [];
  for (let index = 0; index < 60; index += 1) many.push(await dial('127.0.0.2'));
  await until(() => many.filter(({ isClosed }) => isClosed).length === 41);
  expect([known.isClosed, neighbour.isClosed]).toEqual([false, false]);
  expect(many.slice(0, 41).every(({ isClosed }) => isClosed)).toBe(true);
  expect(neighbour.admit()).toBe(true);
  expect(connections.admitted).toBe(2);
  expect(logs).toEqual(['connectionRefused']);
});

test('one more than may be known is ended', async () => {
  const { dial, connections } = await listen(20);
  const three = [await dial('127.0.0.1'), await dial('127.0.0.1'), await dial('127.0.0.2')];
  expect(three.map((each) => each.admit())).toEqual([true, true, false]);
  await until(() => three[2]?.isClosed === true);
  expect(connections.admitted).toBe(2);
});

test('a terminal that opens many connections keeps the newest of them, and its neighbour sells', async () => {
  const house = await openSmallHouse();
  try {
    const neighbour = await house.terminal('CT5100-0001');
    const many: Terminal[] = [];
    for (let index = 0; index < 6; index += 1) many.push(await house.terminal('CT5100-0002'));
    await until(() => many.filter(({ isClosed }) => isClosed).length === 2);
    expect(many.map(({ isClosed }) => isClosed)).toEqual([true, true, false, false, false, false]);
    expect((await neighbour.ask(neighbour.sale('visa-contact', 100))).text(39)).toBe('000');
    for (const terminal of [neighbour, ...many]) terminal.close();
  } finally {
    await house.close();
  }
  // For what is closed after each test.
  await listen(1);
});
