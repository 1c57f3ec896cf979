import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSmallHouse, type SmallHouse, type Terminal, until } from './small-house.ts';

const serial = 'CT5100-0001';
const strangersWanted = 10_000;
const addresses = 16;
let house: SmallHouse;
const strangers = new Set<Socket>();
const terminals: Terminal[] = [];

beforeAll(async () => {
  house = await openSmallHouse();
});
afterAll(async () => {
  for (const socket of strangers) socket.destroy();
  for (const { socket } of terminals) socket.destroy();
  await until(() => terminals.every(({ isClosed }) => isClosed));
  await house?.close();
});

const dialIn = async (): Promise<Terminal> => {
  const terminal = await house.terminal(serial);
  terminals.push(terminal);
  return terminal;
};
let counter = 0;
const buys = async (terminal: Terminal): Promise<unknown> => {
  counter += 1;
  terminal.socket.write(terminal.frame(terminal.sale('visa-contact', 900), terminal.ksn(counter)));
  return (await terminal.answer()).fields[39];
};

/** One that dials from one of some addresses, and says at most the first bytes of a handshake, each for itself. */
function comeAsStranger(index: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({
      port: house.sw.port,
      host: '127.0.0.1',
      localAddress: `127.0.0.${2 + (index % addresses)}`,
    });
    strangers.add(socket);
    const record = Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01);
    let said = 0;
    const drip = setInterval(() => {
      if (index % 50 === 0 && said < record.length) socket.write(record.subarray(said, (said += 1)));
    }, 400);
    socket.once('connect', () => resolve());
    socket.on('error', () => resolve());
    socket.once('close', () => {
      clearInterval(drip);
      strangers.delete(socket);
      resolve();
    });
  });
}

test('ten thousand connections that say nothing, or drip, stop neither who is there nor who dials in', async () => {
  const before = await dialIn();
  expect(await buys(before)).toBe('000');
  let dialled = 0;
  let most = 0;
  while (dialled < strangersWanted) {
    const some = Array.from({ length: 250 }, (_, index) => comeAsStranger(dialled + index));
    dialled += some.length;
    await Promise.all(some);
    most = Math.max(most, strangers.size);
    if (dialled % 2_500 !== 0) continue;
    expect(await buys(before)).toBe('000');
    const late = await dialIn();
    expect(await buys(late)).toBe('000');
    late.socket.destroy();
  }
  // They were many at once, and each of them is gone when the time of a handshake is over.
  expect(most).toBeGreaterThan(900);
  await until(() => strangers.size === 0);
  expect(await buys(await dialIn())).toBe('000');
}, 120_000);
