import { permissions, rolePermissions, roles } from '@tsunagu/protocols/fleet';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { signedIn } from '../audit/support.ts';
import { openedApi } from './opened-api.ts';

const operation = z.looseObject({
  description: z.string().optional(),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  'x-permission': z.enum(permissions).optional(),
  'x-further-permissions': z.array(z.enum(permissions)).optional(),
});
const document = z.object({ paths: z.record(z.string(), z.record(z.string(), operation)) });
const refusal = z.looseObject({
  code: z.string().optional(),
  needs: z.string().optional(),
  detail: z.string().optional(),
});

it('lets in to each operation whom the OpenAPI document names for it, and nobody else', {
  timeout: 120_000,
}, async () => {
  const house = await openedApi();
  onTestFinished(() => house.api.close());
  const people = await Promise.all(
    roles.map(async (role) => ({ role, cookie: (await signedIn(house, `the-${role}`, [role])).cookie })),
  );
  const { paths } = document.parse(await (await house.ask('/api/v1/openapi.json')).json());
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, said]) => ({ path, method: method.toUpperCase(), said })),
  );
  /** Status and code of a request without a body; what goes on for ever is let go after its head. */
  async function ask(method: string, path: string, cookie?: string) {
    const ending = new AbortController();
    const answer = await fetch(`${house.api.url}${path.replaceAll(/\{\w+\}/g, 'NONE-0001')}`, {
      method,
      headers: { origin: house.api.url, ...(cookie !== undefined && { cookie }) },
      signal: ending.signal,
    });
    const isProblem = answer.headers.get('content-type')?.startsWith('application/problem') ?? false;
    const { code, detail = '' } = isProblem ? refusal.parse(await answer.json()) : {};
    ending.abort();
    return { status: answer.status, code, detail };
  }

  const open: string[] = [];
  for (const { path, method, said } of operations) {
    const name = `${method} ${path}`;
    const { 'x-permission': needs, 'x-further-permissions': further = [], security } = said;
    if (needs === undefined) {
      expect(security, name).toEqual([]);
      open.push(name);
      continue;
    }
    // People and programs are told the same.
    expect(security, name).toEqual([{ bearer: [needs] }, { session: [needs] }]);
    for (const each of [needs, ...further]) expect(said.description, name).toContain(`\`${each}\``);
    expect((await ask(method, path)).status, `${name} by nobody`).toBe(401);
    // Sessions that end themselves would end the run.
    const mayAll = method === 'DELETE' && path.includes('/sessions');
    const answers = await Promise.all(
      people
        .filter(({ role }) => !mayAll || !rolePermissions[role].includes(needs))
        .map(async ({ role, cookie }) => ({ role, ...(await ask(method, path, cookie)) })),
    );
    for (const { role, code } of answers)
      if (!rolePermissions[role].includes(needs)) expect(code, `${name} by ${role}`).toBe('ROLE_INSUFFICIENT');
      else if (further.length === 0) expect(code, `${name} by ${role}`).not.toBe('ROLE_INSUFFICIENT');
  }
  expect(operations.length).toBeGreaterThan(150);
  expect(open).toEqual(['POST /api/v1/sessions', 'GET /healthz', 'GET /readyz']);
});
