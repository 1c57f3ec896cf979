import { Gate } from '@tsunagu/fleet-server/switch/transaction/gate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SmallCentre } from './small-centre.ts';
import { openSmallHouse, type SmallHouse, until } from './small-house.ts';

const tickMs = 10;
const patienceMs = 4_000;

/**
 * A switch that gets through one unit of work in each tick, and is asked for two. A sale is one; who hears nothing within their patience has it taken back,
 * which is two more, and has every second tick while there is any. Returns the sales of each second that were answered in time.
 */
function answeredInTime(seconds: number, asked: (second: number) => number, isGated: boolean): number[] {
  let nowMs = 0;
  const gate = new Gate({ monotonicMs: () => nowMs });
  const open = { durable: () => undefined };
  const queue: { readonly atMs: number; readonly entered: { durable(): void } }[] = [];
  let owed = 0;
  let wasOwed = false;
  const good: number[] = [];
  for (let second = 0; second < seconds; second += 1) {
    let inTime = 0;
    for (let tick = 0; tick < 1_000 / tickMs; tick += 1) {
      nowMs += tickMs;
      for (let count = 0; count < asked(second); count += 1) {
        const entered = isGated ? gate.enter(`${nowMs} ${count}`) : open;
        if (entered) queue.push({ atMs: nowMs, entered });
      }
      wasOwed = owed > 0 && !(wasOwed && queue.length > 0);
      if (wasOwed) owed -= 1;
      else {
        const first = queue.shift();
        first?.entered.durable();
        if (first && nowMs - first.atMs <= patienceMs) inTime += 1;
        else if (first) owed += 2;
      }
    }
    good.push(inTime);
  }
  return good;
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

test('with twice as many sales as it gets through, nearly all that it does is answered in time; without the gate nothing is', () => {
  const twice = () => 2;
  expect(sum(answeredInTime(60, twice, false).slice(10))).toBe(0);
  const gated = answeredInTime(60, twice, true).slice(10);
  expect(sum(gated) / (gated.length * (1_000 / tickMs))).toBeGreaterThan(0.95);
});

test('after the rush everybody is let in again', () => {
  const rush = (second: number) => (second < 30 ? 4 : 1);
  expect(answeredInTime(60, rush, true).slice(45)).toEqual(Array.from({ length: 15 }, () => 1_000 / tickMs));
});

test('what repeats a request that was let in is known, and what repeats one that was refused is new', () => {
  const gate = new Gate({ monotonicMs: () => 0 });
  let last = 0;
  while (gate.enter(`request ${last}`)) last += 1;
  expect(last).toBeGreaterThan(1_000);
  expect([gate.letIn('request 0'), gate.letIn(`request ${last - 1}`)]).toEqual([true, true]);
  expect(gate.letIn(`request ${last}`)).toBe(false);
});

test('of those let in the last 65,536 are known, those long before them are not, and hardly a new one is taken for one of them', () => {
  const gate = new Gate({ monotonicMs: () => 0 });
  const key = (nth: number): string =>
    `${String(nth % 1_000_000).padStart(6, '0')} 261127${nth} pos-centre-1/12345678901`;
  const count = 200_000;
  for (let nth = 0; nth < count; nth += 1) gate.enter(key(nth))?.durable();
  const known = (from: number, until: number): number =>
    Array.from({ length: until - from }, (_, at) => key(from + at)).filter((each) => gate.letIn(each)).length;
  expect(known(count - 65_536, count)).toBe(65_536);
  expect(known(0, 60_000)).toBeLessThan(20);
  expect(known(count, 2 * count)).toBeLessThan(60);
});

let house: SmallHouse;
let centre: SmallCentre;
/** Commits wait for this. */
let held: Promise<void> | undefined;
let release: () => void = () => undefined;

beforeAll(async () => {
  house = await openSmallHouse(undefined, {
    async aroundCommit(_house, commit) {
      await held;
      return await commit();
    },
  });
  centre = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'ec-centre-1');
});
afterAll(async () => {
  release();
  await centre?.close();
  await house?.close();
});

test('a centre that has as much in hand as it may is refused another sale, and not a reversal, nor a repeat', async () => {
  const inFlightMax = 256;
  const first = centre.sale('visa-contact', 100);
  expect((await centre.ask(first)).text(39)).toBe('000');
  const second = await SmallCentre.open(house.folder, house.sw.centresPort ?? 0, 'ec-centre-1');
  held = new Promise((resolve) => {
    release = resolve;
  });
  const inHand = centre.sale('visa-contact', 10);
  const others = Array.from({ length: inFlightMax - 1 }, () => centre.sale('visa-contact', 11));
  const waiting = [inHand, ...others].map((message) => centre.ask(message));
  const refused = await centre.ask(centre.sale('visa-contact', 12));
  expect(refused.text(39)).toBe('907');
  const repeated = centre.ask({ ...first, mti: '1201' });
  // Unmarked it is the same request all the same, whether it was answered already or is in hand.
  const again = [first, inHand].map((message) => second.ask(message));
  const reversed = centre.ask(centre.reversal(first));
  release();
  held = undefined;
  expect((await repeated).text(39)).toBe('000');
  expect((await reversed).text(39)).toBe('400');
  const codes = new Set((await Promise.all(waiting)).map((answer) => answer.text(39)));
  expect(codes).toEqual(new Set(['000']));
  const [stored, joined] = await Promise.all(again);
  expect([stored?.text(39), joined?.text(39)]).toEqual(['000', '000']);
  expect(joined?.text(38)).toBe((await waiting[0])?.text(38));
  await second.close();
  await until(() => house.sw.reversalsQueued === 0);
  // Nobody was asked twice.
  expect(house.ledger.takenMinor).toBe(10 + 11 * others.length);
});
