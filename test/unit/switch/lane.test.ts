import type { IssuerLink } from '@tsunagu/fleet-server/switch/issuer-link/issuer-link';
import type { Advices } from '@tsunagu/fleet-server/switch/journal/advices';
import type { Journal } from '@tsunagu/fleet-server/switch/journal/journal';
import type { ReversalRow } from '@tsunagu/fleet-server/switch/journal/tables';
import type { LinkAnswer } from '@tsunagu/fleet-server/switch/link/exchange';
import { Lane } from '@tsunagu/fleet-server/switch/transaction/store-and-forward';
import { cardCompanyLink } from '@tsunagu/protocols/acquiring';
import { ok } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test, vi } from 'vitest';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 10, 28);

/** A row of the journal that a person has to look at, tried again in a day. */
const dead = (id: string, seq: number): ReversalRow =>
  ({ id, seq, sale_id: id, advice: 'posting', state: 'dead', attempts: 3, next_at: nowMs + dayMs }) as ReversalRow;

/** A lane whose journal and line do what the test says, one message at a time, at a moment that stands still. */
function laneOf(...rows: ReversalRow[]) {
  const kept = new Map(rows.map((row) => [row.id, row]));
  const sent: string[] = [];
  const answers: ((answer: LinkAnswer) => void)[] = [];
  const advices = {
    waiting: vi.fn(() => Promise.resolve([...kept.values()])),
    attempted: vi.fn(
      (row: ReversalRow): Promise<ReversalRow | undefined> =>
        Promise.resolve(kept.has(row.id) ? { ...row, attempts: row.attempts + 1 } : undefined),
    ),
    failed: vi.fn(
      (row: ReversalRow, nextAt: number): Promise<ReversalRow | undefined> =>
        Promise.resolve(kept.has(row.id) ? { ...row, next_at: nextAt, state: 'dead' } : undefined),
    ),
    delivered: vi.fn(() => Promise.resolve(undefined)),
  };
  const { profile } = cardCompanyLink;
  const storeAndForward = { ...profile.timers.storeAndForward, window: 1, manualAfter: 1 };
  const link = { ...cardCompanyLink, profile: { ...profile, timers: { ...profile.timers, storeAndForward } } };
  const issuer = {
    link,
    isReady: true,
    request: () => new Promise<LinkAnswer>((resolve) => answers.push(resolve)),
  };
  const listener = {
    refusable: () => false as const,
    voidRefused: vi.fn(),
    delivered: vi.fn(),
    stuck: vi.fn(),
  };
  const images = {
    advice(row: ReversalRow) {
      sent.push(row.id);
      return { mti: '1220', fields: {} };
    },
  };
  const lane = new Lane(
    {
      clock: { now: () => nowMs, monotonicMs: () => 0 },
      timers: {
        after: () => ({ cancel: () => undefined }),
        every: () => ({ cancel: () => undefined }),
        sleep: () => Promise.resolve(),
      },
      log: systemWorld((_level, event, facts) => expect.unreachable(`${event} ${JSON.stringify(facts)}`)).log,
    },
    { images } as unknown as Journal,
    advices as unknown as Advices,
    link.id,
    () => issuer as unknown as IssuerLink,
    listener,
  );
  const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    lane,
    kept,
    sent,
    advices,
    listener,
    quiet,
    async unanswered() {
      answers.shift()?.({ type: 'timedOut' });
      await quiet();
    },
  };
}

test('a retry that a person asks for while it is being sent is made after that', async () => {
  const { lane, sent, quiet, unanswered } = laneOf(dead('one', 1));
  await lane.fill();
  lane.linkReady();
  await quiet();
  expect(sent).toEqual(['one']);
  lane.touched({ ...dead('one', 1), next_at: nowMs });
  await unanswered();
  expect(sent).toEqual(['one', 'one']);
  await unanswered();
  expect(sent).toHaveLength(2);
});

test('what waits for its turn since the line is ready is sent in it, though the journal is read anew meanwhile', async () => {
  const { lane, sent, quiet, unanswered } = laneOf(dead('one', 1), dead('two', 2));
  await lane.fill();
  lane.linkReady();
  lane.refill();
  await quiet();
  expect(sent).toEqual(['one']);
  await unanswered();
  expect(sent).toEqual(['one', 'two']);
});

test('what something else ended during its last attempt is over, and no dead letter', async () => {
  const { lane, kept, listener, quiet, unanswered } = laneOf({ ...dead('one', 1), state: 'queued', next_at: 0 });
  await lane.fill();
  await quiet();
  kept.clear();
  await unanswered();
  expect(lane.size).toBe(0);
  expect(listener.stuck).not.toHaveBeenCalled();
});

test('what is over already is not sent, and whoever waits for it hears that', async () => {
  const { lane, kept, sent, listener, quiet } = laneOf({ ...dead('one', 1), next_at: 0 });
  kept.clear();
  lane.add({ ...dead('one', 1), next_at: 0 });
  await lane.fill();
  lane.add({ ...dead('one', 1), next_at: 0 });
  await quiet();
  expect([sent, lane.size]).toEqual([[], 0]);
  expect(listener.delivered).toHaveBeenCalledOnce();
});

test('what is being settled is not sent, and what is settled is not put back by a reading that began before', async () => {
  const { lane, kept, sent, advices, quiet } = laneOf(dead('one', 1));
  await lane.fill();
  let settled = (): void => undefined;
  const done = new Promise<void>((resolve) => {
    settled = resolve;
  });
  const settling = lane.settle('one', async () => {
    await done;
    return ok(undefined);
  });
  lane.linkReady();
  await quiet();
  expect(await lane.settle('one', () => Promise.resolve(ok(undefined)))).toMatchObject({
    fault: { code: 'SWITCH_ADVICE_UNDER_WAY' },
  });
  let read = (): void => undefined;
  advices.waiting.mockImplementationOnce(
    () =>
      new Promise((resolve) => {
        read = () => resolve([dead('one', 1)]);
      }),
  );
  lane.refill();
  await quiet();
  kept.clear();
  settled();
  expect(await settling).toEqual(ok(undefined));
  read();
  await quiet();
  expect(lane.size).toBe(0);
  lane.linkReady();
  await quiet();
  expect([sent, lane.size]).toEqual([[], 0]);
});
