import { connect } from 'node:net';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type OpenedApi, openedApi } from './opened-api.ts';

let house: OpenedApi;
beforeAll(async () => {
  house = await openedApi({ count: 23 });
});
afterAll(() => house.api.close());

const json = async (response: Response) => {
  const body: Record<string, unknown> & { items: { serial: string }[]; next: string | null } = JSON.parse(
    await response.text(),
  );
  return body;
};
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  house.ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
/** Sends raw bytes to the port and gives what comes back until it closes. */
const raw = (bytes: string | Uint8Array, { end = false, to = house } = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(to.api.port, '127.0.0.1', () => (end ? socket.end(bytes) : socket.write(bytes)));
    let heard = '';
    socket.on('data', (part) => (heard += part.toString('latin1')));
    socket.on('close', () => resolve(heard));
    socket.on('error', reject);
  });
const logged = (code: string, by = house): boolean => by.lines.some(({ facts }) => facts['code'] === code);

describe('bad input on the management port', () => {
  it('answers garbage with a problem, logs its code, and goes on', async () => {
    expect(await raw('\u0016\u0003\u0001\u0002\u0000garbage\r\n\r\n')).toContain('HTTP_MALFORMED');
    expect(logged('HTTP_MALFORMED')).toBe(true);
    expect((await house.ask('/healthz')).status).toBe(200);
  });

  it('does not wait for the rest of a half-sent body, nor of a half-sent head, for ever', async () => {
    // In a house of its own: what others ask may take longer than this on a busy machine.
    const impatient = await openedApi({ requestTimeoutMs: 600 });
    onTestFinished(() => impatient.api.close());
    const head = `POST /api/v1/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"tok`;
    expect(await raw(head, { to: impatient })).toContain('REQUEST_INCOMPLETE');
    expect(logged('REQUEST_INCOMPLETE', impatient)).toBe(true);
    expect(await raw('GET /healthz HTTP/1.1\r\nHost: 127.0', { to: impatient })).toContain('REQUEST_INCOMPLETE');
  });

  it('takes a merge patch by its own media type, and refuses what is none', async () => {
    const patch = (body: string): Promise<Response> =>
      house.ask('/api/v1/configuration?layer=defaults', {
        method: 'PATCH',
        headers: { 'content-type': 'application/merge-patch+json' },
        body,
      });
    expect((await json(await patch('{"language":"en"}')))['code']).toBe('PRECONDITION_REQUIRED');
    expect((await json(await patch('{"language"')))['code']).toBe('BODY_NOT_JSON');
  });

  it('documents of every route that it refuses', async () => {
    const { paths } = (await json(await house.ask('/api/v1/openapi.json'))) as unknown as {
      paths: Record<string, Record<string, { responses?: Record<string, unknown> }>>;
    };
    const silent = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { responses = {} }]) =>
        path.startsWith('/api/') && !Object.keys(responses).some((status) => status.startsWith('4'))
          ? [`${method} ${path}`]
          : [],
      ),
    );
    expect(silent).toEqual([]);
  });

  it('refuses an oversized body', async () => {
    const response = await post('/api/v1/negative/entries', { pan: '4'.repeat(70_000) });
    expect(response.status).toBe(413);
    expect((await json(response))['code']).toBe('BODY_TOO_LARGE');
  });

  it.each([
    ['what is not JSON', '{"pan":', {}, 400, 'BODY_NOT_JSON'],
    ['an empty body', '', {}, 400, 'BODY_NOT_JSON'],
    ['another media type', 'pan=4', { 'content-type': 'text/plain' }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['a poisoned prototype', '{"__proto__":{"a":1},"pan":"4000000000000002"}', {}, 400, 'BODY_NOT_JSON'],
    ['a PAN of letters', '{"pan":"secretcardnumber"}', {}, 400, 'INPUT_INVALID'],
  ])('refuses %s', async (_name, body, headers, status, code) => {
    const response = await post('/api/v1/negative/entries', body, headers);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    const problem = await json(response);
    expect([response.status, problem['code']]).toEqual([status, code]);
    expect(JSON.stringify(problem)).not.toContain('secretcardnumber');
  });

  it.each([
    ['DELETE', '/api/v1/webhooks/3f0c7a4e-0000-4000-8000-000000000000', 404, 'WEBHOOK_UNKNOWN'],
    ['POST', '/api/v1/jobs/3f0c7a4e-0000-4000-8000-000000000000/retry', 422, 'JOB_STILL_OPEN'],
  ])(
    'takes a %s that needs no body and has none for what it is, whatever type it names',
    async (method, path, status, code) => {
      for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
        const answer = await house.ask(path, { method, headers: { 'content-type': type } });
        expect([type, answer.status, (await json(answer))['code']]).toEqual([type, status, code]);
      }
      // What has a body is read, and refused, as ever.
      const answer = await house.ask(path, { method, headers: { 'content-type': 'application/json' }, body: '{"a":' });
      expect([answer.status, (await json(answer))['code']]).toEqual([400, 'BODY_NOT_JSON']);
    },
  );

  it('refuses a host that is not its own', async () => {
    const status = await new Promise<number | undefined>((resolve) => {
      request(
        { port: house.api.port, host: '127.0.0.1', path: '/healthz', headers: { host: 'evil.example' } },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        },
      ).end();
    });
    expect(status).toBe(421);
  });

  it('names the field and speaks the language of the reader', async () => {
    const path = '/api/v1/terminals?limit=0';
    const [en, ja] = await Promise.all([
      house.ask(path, { headers: { 'accept-language': 'en-GB,ja;q=0.5' } }),
      house.ask(path, { headers: { 'accept-language': 'ja,en;q=0.8' } }),
    ]);
    const [english, japanese] = [await json(en), await json(ja)];
    expect(english).toMatchObject({ status: 400, code: 'INPUT_INVALID', field: 'limit', facts: { wants: '>= 1' } });
    expect(english['title']).toMatch(/^The input/);
    expect(japanese['title']).toMatch(/入力/);
  });

  it('tells an unknown terminal from an unknown address', async () => {
    expect((await json(await house.ask('/api/v1/terminals/NOBODY-0001')))['code']).toBe('TERMINAL_UNKNOWN');
    const unknown = await house.ask('/api/v1/nothing');
    expect([unknown.status, (await json(unknown))['code']]).toEqual([404, 'ROUTE_UNKNOWN']);
  });

  it('says what can be done at an address with which something else was tried', async () => {
    const refused = await house.ask('/api/v1/terminals/NOBODY-0001?x=1', { method: 'PUT' });
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(await json(refused)).toMatchObject({ code: 'METHOD_UNKNOWN', facts: { methods: 'GET HEAD' } });
    const nothing = await house.ask('/api/v1/terminals//job-orders', { method: 'PUT' });
    expect(nothing.status).toBe(404);
  });
});

describe('the management API', () => {
  it('pages through all terminals, each once', async () => {
    const serials: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const part: { items: { serial: string }[]; next: string | null } = await json(
        await house.ask(`/api/v1/terminals?limit=5${cursor ? `&cursor=${cursor}` : ''}`),
      );
      expect(part.items.length).toBeLessThanOrEqual(5);
      serials.push(...part.items.map(({ serial }) => serial));
      cursor = part.next;
    }
    expect(serials).toEqual(house.rooms.terminals.map(({ serial }) => serial));
  });

  it('does a repeated request once, and refuses the key for another one', async () => {
    const path = `/api/v1/terminals/${house.rooms.terminals[0]?.serial}/test-sales`;
    const headers = { 'idempotency-key': 'one-sale-please' };
    const first = await json(await post(path, { amountMinor: 100, card: 'visa-contact' }, headers));
    const again = await post(path, { amountMinor: 100, card: 'visa-contact' }, headers);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
    expect((await json(again))['id']).toBe(first['id']);
    const other = await post(path, { amountMinor: 200, card: 'visa-contact' }, headers);
    expect([other.status, (await json(other))['code']]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('tells two cards apart under one key, although both are secrets by then', async () => {
    const headers = { 'idempotency-key': 'one-card-please' };
    expect((await post('/api/v1/negative/entries', { pan: '4000000000000101' }, headers)).status).toBe(201);
    expect((await post('/api/v1/negative/entries', { pan: '4000000000000119' }, headers)).status).toBe(422);
  });

  it('changes the configuration only over the version that was read', async () => {
    const read = await house.ask('/api/v1/configuration');
    const etag = read.headers.get('etag') ?? '';
    const change = (match?: string): Promise<Response> =>
      house.ask('/api/v1/configuration', {
        method: 'PATCH',
        headers: { 'content-type': 'application/json', ...(match === undefined ? {} : { 'if-match': match }) },
        body: JSON.stringify({ heartbeatMs: 30_000 }),
      });
    expect((await change()).status).toBe(428);
    const changed = await change(etag);
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
    expect((await change(etag)).status).toBe(412);
  });

  it('never logs a card number', async () => {
    await post('/api/v1/negative/entries', { pan: '4000001234567899', reason: 'stolen' });
    await post('/api/v1/negative/entries', { pan: '400000123456789912345678' });
    expect(JSON.stringify(house.lines)).not.toContain('400000123456');
  });

  it('describes itself as OpenAPI 3.1', async () => {
    const document = await json(await fetch(`${house.api.url}/api/v1/openapi.json`));
    expect(document['openapi']).toBe('3.1.0');
    expect(Object.keys(document['paths'] ?? {})).toEqual(
      expect.arrayContaining(['/api/v1/terminals/{serial}', '/api/v1/negative/entries', '/api/v1/events', '/readyz']),
    );
  });
});
