import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';
import type { Context } from '../../../cli/src/commands/context.ts';
import { seeAlarms, showAlarms } from '../../../cli/src/commands/switch-alarms.ts';
import { exit } from '../../../cli/src/console/index.ts';
import { keptConsole } from './kept-console.ts';

const at = '2026-11-27T00:00:00.000Z';
const alarm = {
  id: 'A1',
  code: 'ISSUER_MESSAGE_INVALID',
  from: 'card-company-1',
  facts: { because: 'BAD_CHARSET', field: 39, detail: 'case' },
  count: 2,
  firstAt: at,
  lastAt: at,
};

type Asked = { readonly path: string; readonly body: unknown };

/** The commands against a server that lists one alarm and keeps what it was asked. */
async function withServer(
  work: (context: Context, asked: readonly Asked[], out: () => string) => Promise<void>,
  lang = 'en',
) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString();
      asked.push({ path: request.url ?? '', body: text === '' ? undefined : JSON.parse(text) });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(request.method === 'GET' ? { items: [alarm], next: null } : { seen: 1 }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const world = systemWorld(() => undefined);
    const { console, printed } = keptConsole(lang);
    const { port } = server.address() as AddressInfo;
    const client = openClient({ url: `http://127.0.0.1:${String(port)}`, token: 'x' }, world);
    await work({ world, client, console, json: false }, asked, () => printed().out);
  } finally {
    server.close();
  }
}

test('an alarm says what it is about: the element of a message that nobody can read, and why', () =>
  withServer(async (context, _asked, out) => {
    expect(await showAlarms(context, 'switch', {})).toBe(exit.otherOutcome);
    expect(out()).toMatch(/ISSUER_MESSAGE_INVALID\s+because BAD_CHARSET · DE39 · detail case\s/);
  }));

test('what an alarm is about is said in the language of whoever reads it', () =>
  withServer(async (context, _asked, out) => {
    await showAlarms(context, 'terminals', {});
    expect(out()).toMatch(/理由 BAD_CHARSET · DE39 · 詳細 case\s/);
  }, 'ja'));

test('all that a filter finds is marked as seen, up to what was listed; without a filter it has to be said', () =>
  withServer(async (context, asked, out) => {
    const filter = { code: 'ISSUER_MESSAGE_INVALID' };
    expect(await seeAlarms(context, 'switch', { id: undefined, filter, isAll: false })).toBe(exit.ok);
    expect(await seeAlarms(context, 'terminals', { id: undefined, filter: {}, isAll: true })).toBe(exit.ok);
    expect(asked.filter(({ body }) => body !== undefined)).toEqual([
      { path: '/api/v1/switch/alarms/seen', body: { ...filter, until: at } },
      { path: '/api/v1/alarms/seen', body: { until: at } },
    ]);
    expect(asked[0]?.path).toContain('code=ISSUER_MESSAGE_INVALID');
    expect(out()).toContain('1 alarm marked as seen.');
    const before = asked.length;
    for (const refused of [
      { id: undefined, filter: {}, isAll: false },
      { id: 'A1', filter, isAll: false },
      { id: 'A1', filter: {}, isAll: true },
    ])
      expect(await seeAlarms(context, 'terminals', refused)).toBe(exit.usage);
    expect(asked).toHaveLength(before);
  }));
