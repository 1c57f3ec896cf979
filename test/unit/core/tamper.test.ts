import { openConversation } from '@tsunagu/fleet-server/conversation/index';
import { encodeEnvelope, serialSchema, tenantSchema, type UpTopic } from '@tsunagu/protocols/fleet';
import { ok } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';

const world = systemWorld(() => undefined);
const serial = serialSchema.parse('CT5100-0001');

/** A conversation around which nothing happens; who is cut off, who is alarmed of, and who is told of work. */
function quiet(isCutOff: boolean) {
  const seen = { tampered: [] as string[], alarms: [] as string[], sent: 0 };
  const conversation = openConversation({
    world,
    tenant: tenantSchema.parse('demo'),
    store: { write: (work: (tx: unknown) => unknown) => Promise.resolve(work({})) },
    broker: () => ({ send: () => (seen.sent += 1), isConnected: () => true }),
    estate: {
      hello: () => Promise.resolve(ok(undefined)),
      announce: () => undefined,
      alarm: (_: unknown, code: string) => Promise.resolve(seen.alarms.push(code)),
    },
    twin: () => ({ reports: { observe: () => Promise.resolve(undefined) } }),
    jobs: () => ({ openSubjects: () => Promise.resolve(new Set()) }),
    keys: {
      prepare: () => Promise.resolve(),
      reconcile: () => Promise.resolve({ loads: [], loaded: [], erases: [], bind: undefined }),
    },
    negative: () => ({ observe: () => Promise.resolve(false) }),
    trust: { heard: () => Promise.resolve(undefined) },
    fleetSize: () => 1,
    tampered: (of: string, sensor: string) => {
      seen.tampered.push(`${of} ${sensor}`);
      return Promise.resolve(isCutOff);
    },
    saleEnded: () => Promise.resolve(),
  } as never);
  const say = (topic: UpTopic, ct: 'hello' | 'alarm', body: object) =>
    conversation.received(
      serial,
      topic,
      Buffer.from(encodeEnvelope({ v: 1, id: world.id(), iat: world.clock.now(), boot: 1, seq: 1, ct, body })),
    );
  return { seen, say };
}
const hello = {
  model: 'CT-5100',
  software: { version: '1', slot: 'A' },
  configuration: { version: 0, hash: '' },
  keys: [],
  negative: [],
  cards: [],
};
const alarm = { at: 1, code: 'TERMINAL_TAMPERED', detail: 'mesh' };

test('an opened case is taken from the event, and from the hello where that was lost; one that is cut off is told of no work', async () => {
  const { seen, say } = quiet(true);
  await say({ kind: 'event', event: 'tamper' }, 'alarm', alarm);
  await say({ kind: 'hello' }, 'hello', { ...hello, tampered: { at: 1, sensor: 'case' } });
  expect(seen).toEqual({ tampered: [`${serial} mesh`, `${serial} case`], alarms: [], sent: 0 });
  await say({ kind: 'hello' }, 'hello', hello);
  expect(seen).toMatchObject({ tampered: [expect.anything(), expect.anything()], sent: 1 });
});

test('who is at the bench stays connected, and people are told', async () => {
  const { seen, say } = quiet(false);
  await say({ kind: 'event', event: 'tamper' }, 'alarm', alarm);
  await say({ kind: 'hello' }, 'hello', { ...hello, tampered: { at: 1, sensor: 'case' } });
  expect(seen).toMatchObject({ alarms: ['TERMINAL_TAMPERED'], sent: 1 });
});
