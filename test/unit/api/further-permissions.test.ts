import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApprovalKind, type Permission, permissions, rolePermissions, roles } from '@tsunagu/protocols/fleet';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type callOn, signedIn } from '../audit/support.ts';
import { newFolder, removeFolder, testHouse } from '../core/support.ts';

const operation = z.looseObject({
  'x-permission': z.enum(permissions).optional(),
  'x-further-permissions': z.array(z.enum(permissions)).optional(),
});
const document = z.object({ paths: z.record(z.string(), z.record(z.string(), operation)) });
/** What comes back: the code of a request, or those of what it did one by one. */
const answer = z.looseObject({
  code: z.string().optional(),
  items: z.array(z.looseObject({ code: z.string().nullable().optional() })).optional(),
});

type Call = ReturnType<typeof callOn>;
/** A request that needs a permission, anew each time, and what else it needs. */
interface Asked {
  readonly ask: () => Promise<readonly [method: string, path: string, body?: unknown]>;
  readonly besides?: readonly Permission[];
}

// What a route does not name is refused to everybody, since it hands on no other permission (`actorOf`). What it names in vain is found here.
it('names as further permissions of an operation those alone that something of what can be asked for needs', async () => {
  const folder = newFolder();
  onTestFinished(() => removeFolder(folder));
  const house = await testHouse(folder);
  onTestFinished(() => house.house.close());
  const { token } = z
    .object({ token: z.string() })
    .parse(JSON.parse(readFileSync(join(folder, 'access.json'), 'utf8')));
  const reached = { api: { url: house.house.managementUrl }, token };
  const people = new Map<string, Call>();
  for (const role of roles) people.set(role, (await signedIn(reached, `the-${role}`, [role])).call);
  /** Who has some permissions, and lacks another. */
  const whoHas = (has: readonly Permission[], lacks?: Permission): Call => {
    const role = roles.find(
      (each) =>
        has.every((one) => rolePermissions[each].includes(one)) &&
        !(lacks !== undefined && rolePermissions[each].includes(lacks)),
    );
    const call = role && people.get(role);
    if (!call) throw new Error(`nobody has ${has.join(', ')} and lacks ${lacks ?? 'nothing'}`);
    return call;
  };
  // Somebody else than those who are asked about: nobody approves what is their own.
  const operator = (await signedIn(reached, 'orderer', ['operator'])).call;

  let count = 0;
  const fresh = async (): Promise<string> => {
    count += 1;
    const serial = `FURT-${String(count).padStart(4, '0')}`;
    await house.register(serial, 'JT-C17');
    return serial;
  };
  const several = (many: number): Promise<string[]> => Promise.all(Array.from({ length: many }, fresh));
  const ordered = async (type: string): Promise<string> => {
    const { body } = await operator('POST', `/terminals/${await fresh()}/jobs`, { job: { type, params: {} } });
    return String(body.id);
  };
  const revoked = async (many: number) =>
    ['POST', '/bulk', { targets: { serials: await several(many) }, action: { type: 'revoke' } }] as const;
  const proposed = async (): Promise<string> => {
    const action = { kind: 'job', body: { type: 'terminal.diagnose', params: {} } };
    return String((await operator('POST', '/campaigns', { name: 'all', action, gate: null })).body.id);
  };
  const look = { photo: 'ab'.repeat(32), seals: ['S-1001'], connections: 2 };
  const opened = async (): Promise<string> => {
    const serial = await fresh();
    await operator('POST', `/terminals/${serial}/lifecycle`, { to: 'quarantined', reason: 'open' });
    return serial;
  };
  const settled = async () =>
    [
      'POST',
      `/terminals/${await opened()}/lifecycle`,
      { to: 'deployed', reason: 'as it was', evidence: look },
    ] as const;

  const order = (type: string, params: object = {}): Asked => ({
    ask: async () => ['POST', `/terminals/${await fresh()}/jobs`, { job: { type, params } }],
    besides: type === 'software.install' ? [] : ['fleet.operate'],
  });
  const image = { version: '9.9.9', counter: 1, digest: 'a'.repeat(64), size: 1, proofTimeoutMs: 60_000 };
  const again = (type: string): Asked => ({
    async ask() {
      const id = await ordered(type);
      await operator('POST', `/jobs/${id}/cancellation`);
      return ['POST', `/jobs/${id}/retry`];
    },
  });
  const release = (type: string): Asked => ({ ask: async () => ['POST', `/jobs/${await ordered(type)}/approval`] });
  const inBulk = (action: object): Asked => ({
    ask: async () => ['POST', '/bulk', { targets: { serials: await several(1) }, action }],
  });
  const decided = (kind: ApprovalKind, request: () => Promise<unknown>): Asked => ({
    async ask() {
      await request();
      const { items } = (await operator('GET', `/approvals?kind=${kind}&state=requested&limit=1`)).body;
      return ['POST', `/approvals/${String(items?.[0]?.['id'])}/decisions`, { verdict: 'approved' }];
    },
  });
  /** A terminal that its vendor repairs: the work order. */
  const sentOut = async (): Promise<string> => {
    const serial = await fresh();
    const bag = { bagNumber: `BAG-${serial}`, photo: look.photo };
    for (const [to, evidence] of [
      ['lost', {}],
      ['returned', bag],
      ['inspected', { ...bag, seals: look.seals, connections: look.connections }],
      ['refurbish', {}],
    ] as const)
      await operator('POST', `/terminals/${serial}/lifecycle`, { to, reason: 'worn', evidence });
    const { body } = await operator('POST', '/workshop/orders', { serial, intake: 'fault', reported: 'SW-BOOT' });
    const out = { kind: 'rma-out', vendor: 'Toshiba TEC', number: 'R-1' };
    expect(await operator('POST', `/workshop/orders/${String(body.id)}/entries`, out)).toMatchObject({ status: 200 });
    return String(body.id);
  };
  const byOperator = async (request: readonly [method: string, path: string, body?: unknown]) =>
    await operator(...request);

  const asks: Readonly<Record<string, Partial<Record<Permission, Asked>>>> = {
    'POST /api/v1/terminals/{serial}/jobs': {
      'fleet.operate': order('software.install', image),
      'wipes.order': order('terminal.wipe'),
      'keys.order': order('key.unbind'),
    },
    'POST /api/v1/jobs/{id}/cancellation': {
      // A job of somebody else.
      'fleet.operate': { ask: async () => ['POST', `/jobs/${await ordered('terminal.diagnose')}/cancellation`] },
    },
    'POST /api/v1/jobs/{id}/retry': { 'wipes.order': again('terminal.wipe'), 'keys.order': again('key.unbind') },
    'POST /api/v1/jobs/{id}/approval': {
      'wipes.approve': release('terminal.wipe'),
      'keys.approve': release('key.unbind'),
    },
    'POST /api/v1/bulk': {
      'fleet.read': inBulk({ type: 'status' }),
      'fleet.operate': inBulk({ type: 'tags', add: ['new'], remove: [] }),
      'fleet.field': inBulk({ type: 'job', job: { type: 'log.pull', params: {} } }),
      'revocations.order': { ask: () => revoked(11), besides: ['fleet.operate'] },
    },
    'POST /api/v1/terminals/{serial}/lifecycle': { 'lives.order': { ask: settled } },
    'POST /api/v1/lifecycle/imports': {
      'lives.order': {
        async ask() {
          const columns = 'serial,to,reason,photo,seals,connections';
          return [
            'POST',
            '/lifecycle/imports',
            { csv: `${columns}\n${await opened()},deployed,as it was,${look.photo},S-1001,2\n` },
          ];
        },
      },
    },
    'POST /api/v1/campaigns/{id}/acts': {
      'campaigns.approve': { ask: async () => ['POST', `/campaigns/${await proposed()}/acts`, { verb: 'approve' }] },
    },
    'POST /api/v1/approvals/{id}/decisions': {
      'campaigns.approve': decided('campaign', proposed),
      'wipes.approve': decided('wipe', () => ordered('terminal.wipe')),
      'keys.approve': decided('key', () => ordered('key.unbind')),
      'lives.approve': decided('lifecycle', async () => byOperator(await settled())),
      'revocations.approve': decided('revocation', async () => byOperator(await revoked(11))),
    },
    'POST /api/v1/workshop/orders/{id}/entries': {
      'lives.order': {
        async ask() {
          const silentSince = '2026-01-01T00:00:00Z';
          const evidence = {
            wipeProof: { by: 'destruction', method: 'crushed', photo: look.photo, at: silentSince },
            nothingOwed: { by: 'declaration', words: 'its board was burnt; the journal is whole', silentSince },
          };
          const replacement = { serial: `FURT-R${String(count)}`, model: 'JT-C17' };
          const entry = { kind: 'rma-in', outcome: 'replaced', costYen: 0, replacement, evidence };
          return ['POST', `/workshop/orders/${await sentOut()}/entries`, entry];
        },
      },
    },
    // The last one: after ten in a day each wants a second person.
    'DELETE /api/v1/terminals/{serial}/certificate': {
      'revocations.order': {
        async ask() {
          await byOperator(await revoked(10));
          return ['DELETE', `/terminals/${await fresh()}/certificate`];
        },
      },
    },
  };
  const { paths } = document.parse(await (await fetch(`${house.house.managementUrl}/api/v1/openapi.json`)).json());
  const said = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { 'x-permission': needs, 'x-further-permissions': further }]) =>
      needs && further ? ([[`${method.toUpperCase()} ${path}`, { needs, further }]] as const) : [],
    ),
  );
  expect(said.map(([name]) => name).toSorted()).toEqual(Object.keys(asks).toSorted());
  const told = new Map<string, (typeof said)[number][1]>(said);
  for (const [name, table] of Object.entries(asks)) {
    const { needs = 'fleet.read', further = [] } = told.get(name) ?? {};
    expect([...further].toSorted(), name).toEqual(Object.keys(table).toSorted());
    for (const permission of further) {
      const { ask, besides = [] } = table[permission] ?? {};
      if (!ask || permission === needs) continue;
      const refusedOf = async (call: Call): Promise<boolean> => {
        const { body } = await call(...(await ask()));
        const { code, items = [] } = answer.parse(body);
        return [code, ...items.map((item) => item.code)].includes('ROLE_INSUFFICIENT');
      };
      const others = [needs, ...besides];
      expect(await refusedOf(whoHas(others, permission)), `${name} without ${permission}`).toBe(true);
      expect(await refusedOf(whoHas([...others, permission])), `${name} with ${permission}`).toBe(false);
    }
  }
});
