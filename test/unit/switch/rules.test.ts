import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ledger } from '@tsunagu/fleet-server/card-company/ledger';
import { GroupCommit } from '@tsunagu/fleet-server/switch/journal/group-commit';
import { judgeArrival, onSale, type SaleEvent, type SaleState } from '@tsunagu/fleet-server/switch/transaction/rules';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';

const states: readonly SaleState[] = ['refused', 'send-intended', 'approved', 'declined', 'reversing', 'reversed'];
const events: readonly SaleEvent[] = [
  { type: 'issuerAnswered', actionCode: '000' },
  { type: 'issuerAnswered', actionCode: '116' },
  { type: 'issuerTimedOut' },
  { type: 'terminalReversed', reason: '4021' },
  { type: 'restarted' },
  { type: 'reversalAccepted' },
  { type: 'issuerCounted', kind: 'taken', day: '261127' },
];

test('over every path of up to five events: no approval after a no, and what may have been taken is reversed', () => {
  const walk = (state: SaleState, told: readonly string[], queued: number, isTaken: boolean, depth: number): void => {
    // A sale that the issuer may have taken, and that was not approved to the terminal, owes a reversal.
    if (isTaken && told.includes('911')) expect(queued).toBe(1);
    expect(queued).toBeLessThanOrEqual(1);
    expect(told.length).toBeLessThanOrEqual(1);
    if (depth === 0) return;
    for (const event of events) {
      if (event.type === 'reversalAccepted' && queued === 0) continue;
      const step = onSale(state, event);
      const answers = step.actions.flatMap((action) =>
        action.type === 'answer'
          ? [action.actionCode]
          : action.type === 'answerFromIssuer' && event.type === 'issuerAnswered'
            ? [event.actionCode]
            : [],
      );
      const isApprovedByIssuer = event.type === 'issuerAnswered' && event.actionCode === '000';
      walk(
        step.state,
        [...told, ...answers],
        queued + step.actions.filter(({ type }) => type === 'queueReversal').length,
        isTaken || isApprovedByIssuer,
        depth - 1,
      );
    }
  };
  walk('send-intended', [], 0, false, 5);
});

test('a decided sale stays as it is, whatever the issuer says later', () => {
  for (const state of states.filter((each) => each !== 'send-intended'))
    for (const actionCode of ['000', '116'])
      expect(onSale(state, { type: 'issuerAnswered', actionCode })).toEqual({
        state,
        actions: [{ type: 'journal', entry: 'late-answer' }],
      });
});

test('an arrival is new, a replay, too early, or another request under a used number', () => {
  expect(judgeArrival('a', undefined)).toBe('new');
  expect(judgeArrival('a', { bodyTag: 'a', isAnswered: true })).toBe('replay');
  expect(judgeArrival('a', { bodyTag: 'a', isAnswered: false })).toBe('in-progress');
  expect(judgeArrival('b', { bodyTag: 'a', isAnswered: true })).toBe('differs');
});

test('a commit that comes alone waits for nothing; the next begins a little later, unless many pieces wait', async () => {
  let nowMs = 1_000;
  const slept: number[] = [];
  const { timers } = systemWorld(() => undefined);
  const group = new GroupCommit(
    {
      clock: { now: () => nowMs, monotonicMs: () => nowMs },
      timers: {
        ...timers,
        sleep(delayMs) {
          slept.push(delayMs);
          nowMs += delayMs;
          return Promise.resolve();
        },
      },
    },
    { write: (work) => work({} as never), trails: () => undefined },
  );
  const write = (pieces: number) =>
    Promise.all(Array.from({ length: pieces }, () => group.write(() => Promise.resolve())));
  await write(1);
  expect(slept).toEqual([]);
  nowMs += 1;
  await write(1);
  expect(slept).toEqual([2]);
  nowMs += 1;
  await write(100);
  expect(slept).toEqual([2]);
  nowMs += 3;
  await write(1);
  expect(slept).toEqual([2]);
});

test('writes that wait share a commit, and a commit that fails fails all of its writes', async () => {
  let commits = 0;
  let isBroken = false;
  const group = new GroupCommit(
    systemWorld(() => undefined),
    {
      async write(work) {
        commits += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (isBroken) throw new Error('disk full');
        // The work below touches no database.
        return await work({} as never);
      },
      trails: () => undefined,
    },
  );
  const first = group.write(() => Promise.resolve(1));
  await new Promise((resolve) => setTimeout(resolve, 1));
  const more = Array.from({ length: 10 }, (_, index) => group.write(() => Promise.resolve(index)));
  expect(await first).toBe(1);
  expect(await Promise.all(more)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(commits).toBe(2);
  isBroken = true;
  const outcomes = await Promise.allSettled([
    group.write(() => Promise.resolve(1)),
    group.write(() => Promise.resolve(2)),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

test('the books of the card company survive a torn last line, and refuse one in the middle', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  const path = join(folder, 'ledger.jsonl');
  const ledger = unwrap(await Ledger.open(path));
  const sale = {
    kind: 'sale',
    what: 'sale',
    account: 'visa-contact',
    day: '261123',
    actionCode: '000',
    approvalCode: 'A',
    emv: '',
  } as const;
  await ledger.append({ ...sale, key: '1', amountMinor: 100 });
  await ledger.append({ ...sale, key: '2', amountMinor: 50 });
  await ledger.append({ kind: 'reversal', key: '1' });
  await ledger.close();
  await writeFile(path, `${await readFile(path, 'utf8')}{"kind":"sale","ke`);
  const again = unwrap(await Ledger.open(path));
  expect(again.takenMinor).toBe(50);
  await again.append({ kind: 'reversal', key: '2' });
  await again.close();
  const last = unwrap(await Ledger.open(path));
  expect(last.takenMinor).toBe(0);
  await last.close();
  await writeFile(path, `nonsense\n${await readFile(path, 'utf8')}`);
  expect(await Ledger.open(path)).toMatchObject({
    ok: false,
    fault: { code: 'ISSUER_LEDGER_INVALID', facts: { line: 1 } },
  });
  await rm(folder, { recursive: true, force: true });
});
