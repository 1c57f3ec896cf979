import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';

const { timers } = systemWorld(() => undefined);
/** Another thread: it goes on while this one stands still, and says when its answer has gone out. */
const answering = `
  const { parentPort, workerData: answered } = require('node:worker_threads');
  const server = require('node:net').createServer((socket) => socket.on('data', () => socket.end('answer', () => {
    Atomics.store(answered, 0, 1);
    Atomics.notify(answered, 0);
  })));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;
const answered = new Int32Array(new SharedArrayBuffer(4));
let worker: Worker;
let port: number;
beforeAll(async () => {
  worker = new Worker(answering, { eval: true, workerData: answered });
  [port] = (await once(worker, 'message')) as [number];
});
afterAll(() => worker.terminate());

const standStill = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

test('an answer that came in time is no late one, although this process stood still until after its deadline', async () => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const came: string[] = [];
  const deadline = timers.after(200, () => came.push('deadline'));
  socket.on('data', () => {
    came.push('answer');
    deadline.cancel();
  });
  socket.write('request');
  Atomics.wait(answered, 0, 0, 60_000);
  standStill(300);
  await once(socket, 'close');
  await timers.sleep(100);
  expect(came).toEqual(['answer']);
});

test('a deadline that is late all the same ends the wait', async () => {
  const over = new Promise<string>((resolve) => timers.after(10, () => resolve('over')));
  standStill(100);
  expect(await over).toBe('over');
});
