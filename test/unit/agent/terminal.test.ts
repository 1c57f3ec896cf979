import { startTerminal } from '@tsunagu/firmware-bridge/agent/index';
import { openCardSide } from '@tsunagu/firmware-bridge/payment/index';
import type { Hello, JobReport, SaleEvent, TwinReport } from '@tsunagu/protocols/fleet';
import { configuration, configurationHash } from '@tsunagu/protocols/fleet';
import { Secret, unwrap } from '@tsunagu/protocols/kit';
import { testCard } from '@tsunagu/protocols/test-cards';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keyLoadOf } from './key-loads.ts';
import { MemoryFiles } from './memory-files.ts';
import { listAuthority } from './negative-authority.ts';
import { type Arrived, TinyServer, until } from './tiny-server.ts';

const lines: string[] = [];
const world = systemWorld((level, event, facts) => lines.push(JSON.stringify([level, event, facts])));
const initialKey = Secret.copy('key', new Uint8Array(16).fill(3));
const listKey = Secret.copy('key', new Uint8Array(16).fill(5));
let server: TinyServer;
let lists: ReturnType<typeof listAuthority>;

/** Orders in the order in which they are given, each offered until a final report of it came. */
const orders: { job: string; payload: Record<string, unknown> }[] = [];
const values = configuration.parse({ amountMaxMinor: 9_000 });
const desired = { version: 2, hash: configurationHash(values), values };

beforeAll(async () => {
  server = await new TinyServer().start();
  lists = listAuthority(server, listKey);
  server.answer = ({ topic, message }) => {
    if (topic.kind === 'request') {
      const { pull } = message.body as { pull: string };
      if (pull === 'twin') return { kind: 'twin', ...desired };
      if (pull === 'time') return { kind: 'time', now: Date.now() };
      const next = orders[0];
      return { kind: 'job', order: next ? server.order({ job: next.job, ...next.payload }) : null };
    }
    if (topic.kind !== 'job') return undefined;
    if (orders[0]?.job === topic.job) orders.shift();
    return { kind: 'acknowledged', job: topic.job, state: (message.body as JobReport).state };
  };
});
afterAll(() => server.stop());

const id = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
const bodies = <T>(select: (arrived: Arrived) => boolean): T[] =>
  server.arrived.filter(select).map(({ message }) => message.body as T);
const hellos = () => bodies<Hello>(({ topic }) => topic.kind === 'hello');
const finals = () => bodies<JobReport>(({ topic, message }) => topic.kind === 'job' && message.corr !== undefined);
const sales = () => bodies<SaleEvent>(({ topic }) => topic.kind === 'event' && topic.event === 'sale');

function publishList(version: number, cards: ('visa-listed' | 'visa-contact')[]): void {
  server.publishHead('regular', lists.publish(version, { cards: cards.map((card) => testCard(card).pan) }));
}

test('a terminal enrols, takes its keys, configuration and list, sells, refuses a listed card, and comes back after a power loss', async () => {
  const files = new MemoryFiles(new Map([['claim.json', Buffer.from(JSON.stringify(server.claim()))]]));
  publishList(1, ['visa-listed']);
  // No beat comes by its rhythm: each hello has a cause.
  const timers: typeof world.timers = {
    ...world.timers,
    after: (ms, work) => (ms < 20_000 ? world.timers.after(ms, work) : { cancel: () => undefined }),
  };
  const start = (on: MemoryFiles) =>
    startTerminal({
      world: { ...world, timers },
      files: on,
      openCardSide,
      shopper: { seed: '7', meanSeconds: 3_600 },
    });

  const first = unwrap(await start(files));
  expect(unwrap(await first.connected)).toBeUndefined();
  const none = { reversals: 0, advices: 0, sales: 0 };
  expect(hellos()[0]).toMatchObject({
    model: 'CT-5100',
    keys: [],
    configuration: { version: 0, hash: '' },
    waiting: none,
  });

  const kbpk = server.keyBlockProtectionKey ?? initialKey;
  orders.push(
    {
      job: id(1),
      payload: { type: 'key.load', params: keyLoadOf('dukpt', kbpk, initialKey, world, new Uint8Array(8).fill(9)) },
    },
    { job: id(2), payload: { type: 'key.load', params: keyLoadOf('negative', kbpk, listKey, world) } },
    { job: id(3), payload: { type: 'sale.test', params: { amountMinor: 500, card: 'visa-listed' } } },
  );
  server.notify({ jobs: 3, configuration: 2 });
  await until(() => finals().length >= 3, 'three results');
  expect(finals().slice(0, 2)).toMatchObject([
    { state: 'succeeded', evidence: { slot: 'dukpt', ksn: '090909090909090900000001' } },
    { state: 'succeeded', evidence: { slot: 'negative' } },
  ]);
  const tested = finals()[2];
  expect(tested?.sale).toMatchObject({ outcome: 'refused', reason: 'CARD_LISTED', lastFour: '0127' });
  const steps = bodies<JobReport>(({ topic }) => topic.kind === 'job').flatMap(({ progress }) => progress?.step ?? []);
  expect(steps).toContain('negative-checked');
  expect(steps).not.toContain('request-sent');

  await until(() => bodies<TwinReport>(({ topic }) => topic.kind === 'twin').some(({ version }) => version === 2));
  // The first customer comes within three seconds; there is no switch here, so that sale fails, and is told as well.
  await until(() => sales().length >= 2, 'a sale of the shopper');
  await until(() => hellos().at(-1)?.negative[0]?.version === 1 && hellos().at(-1)?.keys.length === 2, 'a full hello');
  expect(hellos().at(-1)).toMatchObject({ configuration: { version: 2 } });
  const said = hellos().length;
  server.notify({ hello: true });
  await until(() => hellos().length > said, 'a hello that was asked for');

  // No good-bye: the power is gone. Its connection is cut, and what was synced is all that is left.
  const survived = files.afterPowerLoss(false);
  await first.stop();
  const before = hellos().length;
  const second = unwrap(await start(survived));
  unwrap(await second.connected);
  const born = hellos()[before];
  expect(born).toMatchObject({ configuration: { version: 2 }, negative: [{ version: 1 }] });
  expect(born?.keys.map(({ slot }) => slot)).toEqual(['dukpt', 'negative']);
  expect(server.enrolled).toHaveLength(1);
  const boots = server.arrived.filter(({ topic }) => topic.kind === 'hello').map(({ message }) => message.boot);
  expect(new Set(boots)).toEqual(new Set([1, 2]));

  await second.stop();
  expect(bodies<{ state: string }>(({ topic }) => topic.kind === 'presence').at(-1)).toEqual({ state: 'disconnected' });
});

test('nothing secret was logged or sent', () => {
  const everything = lines.join('\n') + JSON.stringify(server.arrived);
  for (const name of ['visa-listed', 'visa-contact'] as const)
    testCard(name).pan.use((digits) => expect(everything).not.toContain(Buffer.from(digits).toString('latin1')));
  for (const key of [initialKey, listKey])
    key.use((bytes) => expect(everything.toLowerCase()).not.toContain(Buffer.from(bytes).toString('hex')));
});

test('a terminal without a claim, or of a model that nobody knows, does not start', async () => {
  const options = { world, openCardSide };
  expect(await startTerminal({ ...options, files: new MemoryFiles() })).toMatchObject({
    fault: { code: 'CLAIM_BUNDLE_INVALID' },
  });
  const claim = Buffer.from(JSON.stringify(server.claim({ model: 'ABACUS' })));
  expect(await startTerminal({ ...options, files: new MemoryFiles(new Map([['claim.json', claim]])) })).toMatchObject({
    fault: { code: 'MODEL_UNKNOWN' },
  });
});
