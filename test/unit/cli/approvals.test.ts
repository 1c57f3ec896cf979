import { approvalKinds, approvalState } from '@tsunagu/protocols/fleet';
import { ok } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';
import { listApprovals, showApproval } from '../../../cli/src/commands/approvals.ts';
import type { Context } from '../../../cli/src/commands/context.ts';
import { keptConsole } from './kept-console.ts';

const world = systemWorld(() => undefined);
const id = '7d7c7a4e-1111-4222-8333-944455556666';
const at = '2026-11-27T09:00:00Z';
const asked = (kind: string, state: string) => ({
  id,
  kind,
  subject: 'x',
  digest: '00',
  state,
  requestedBy: '1',
  requestedByName: 'mori',
  requestedAt: at,
  expiresAt: at,
  decidedBy: null,
  decidedByName: null,
  decidedAt: null,
  reason: null,
});

test('what is asked for and where it stands is said in Japanese to who reads Japanese, and as it is to a program', async () => {
  const client = openClient({ url: 'http://127.0.0.1:9', token: 'x' }, world);
  for (const kind of Object.keys(approvalKinds))
    for (const state of approvalState.options) {
      const list = async (lang: string, json: boolean) => {
        const { console, printed } = keptConsole(lang);
        const context: Context = {
          world,
          console,
          json,
          client: { ...client, askAll: (item) => Promise.resolve(ok([item.parse(asked(kind, state))])) },
        };
        expect(await listApprovals(context, true)).toBe(0);
        return printed().out;
      };
      const japanese = (await list('ja', false)).split('\n')[1] ?? '';
      expect(japanese.replace(/^\S+/, '').replace(/ x +mori/, '')).not.toMatch(/[a-z]/);
      expect(await list('en', false)).toContain(kind);
      expect(JSON.parse(await list('ja', true))).toMatchObject([{ kind, state }]);
    }
});

test.each([
  ['wipe', { job: id, type: 'terminal.wipe' }],
  ['lifecycle', { from: 'deployed', to: 'returned', reason: '故障', evidence: 'bagNumber, photo' }],
  ['campaign', { name: '秋', kind: 'software', terminals: 3, target: '' }],
  ['rotation', { key: '2', reason: '故障' }],
  ['revocation', { terminals: 3 }],
])('what a request of the kind %s is about has no English to who reads Japanese', async (kind, facts) => {
  const client = openClient({ url: 'http://127.0.0.1:9', token: 'x' }, world);
  const show = async (lang: string) => {
    const { console, printed } = keptConsole(lang);
    const context: Context = {
      world,
      console,
      json: false,
      client: {
        ...client,
        ask: (item) => Promise.resolve(ok(item.parse({ ...asked(kind, 'requested'), facts, terminals: [] }))),
      },
    };
    expect(await showApproval(context, id)).toBe(0);
    return printed().out.split('\n').slice(2).join('\n');
  };
  expect((await show('ja')).replaceAll(id, '').replaceAll('ID', '')).not.toMatch(/[a-z]/i);
  expect(await show('en')).toContain(
    String(Object.values(facts).at(kind === 'wipe' ? 0 : -1))
      .split(',')[0]
      ?.replace('bagNumber', 'bag number'),
  );
});
