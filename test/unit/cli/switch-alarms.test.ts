import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';
import { showAlarms } from '../../../cli/src/commands/switch-alarms.ts';
import { exit } from '../../../cli/src/console/index.ts';
import { keptConsole } from './kept-console.ts';

const at = '2026-11-27T00:00:00.000Z';
const alarm = {
  id: 'A1',
  code: 'ISSUER_MESSAGE_INVALID',
  from: 'card-company-1',
  facts: { because: 'BAD_CHARSET', field: 39 },
  count: 2,
  firstAt: at,
  lastAt: at,
};

test('an alarm says what it is about: the element of a message that nobody can read, and why', async () => {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ items: [alarm], next: null }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const world = systemWorld(() => undefined);
    const { console, printed } = keptConsole('en');
    const { port } = server.address() as AddressInfo;
    const client = openClient({ url: `http://127.0.0.1:${String(port)}`, token: 'x' }, world);
    expect(await showAlarms({ world, client, console, json: false })).toBe(exit.otherOutcome);
    expect(printed().out).toMatch(/ISSUER_MESSAGE_INVALID\s+because BAD_CHARSET · DE39\s/);
  } finally {
    server.close();
  }
});
