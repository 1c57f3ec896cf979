import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, onTestFinished, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';

test('a connection that the server ended since the last call is no server that is away', async () => {
  const asked: string[] = [];
  const used = new Set<Socket>();
  // As one whose idle connections have ended: the first request of a connection is answered, the next finds it gone.
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${String(request.headers['idempotency-key'])}`);
    if (used.has(request.socket)) return void request.socket.destroy();
    used.add(request.socket);
    request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{"items":[]}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections()));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = openClient(
    { url, token: 'x'.repeat(32) },
    systemWorld(() => undefined),
  );
  for (let call = 0; call < 3; call += 1) expect(await client.softwareRoles()).toEqual({ ok: true, value: [] });
  // What changes something is asked again under the same key.
  for (const id of ['one', 'two']) expect(await client.retryAdvice(id)).toMatchObject({ ok: true });
  expect(new Set(asked.filter((line) => line.startsWith('POST'))).size).toBe(2);
  expect(asked.length).toBeGreaterThan(used.size);
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  expect(await client.softwareRoles()).toMatchObject({ fault: { code: 'SERVER_UNREACHABLE' } });
});
