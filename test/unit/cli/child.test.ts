import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemWorld, type World } from '@tsunagu/protocols/world';
import { expect, onTestFinished, test } from 'vitest';
import { type Progress, startChild } from '../../../cli/src/house/child.ts';
import { newFolder, removeFolder, until } from '../core/support.ts';

const system = systemWorld(() => undefined);
const silentMs = 60_000;
/** A part of a house that says these things, and the last of them when it may; whoever waits for it loses their patience when a test says so. */
function start(lines: readonly object[], last?: object) {
  const folder = newFolder();
  const [path, leave] = [join(folder, 'part.mjs'), join(folder, 'leave')];
  writeFileSync(
    path,
    `import { existsSync } from 'node:fs';
    for (const line of ${JSON.stringify(lines)}) console.log(JSON.stringify(line));
    const last = ${JSON.stringify(last ?? null)};
    const looking = setInterval(() => {
      if (last === null || !existsSync(${JSON.stringify(leave)})) return;
      clearInterval(looking);
      console.log(JSON.stringify(last));
      setInterval(() => undefined, 1_000);
    }, 10);`,
  );
  /** Whose patience is running, and how often it began anew. */
  const patiences = new Set<() => void>();
  let begun = 0;
  let say = (): void => undefined;
  const world: World = {
    ...system,
    timers: {
      ...system.timers,
      after(ms, work) {
        if (ms !== silentMs) return system.timers.after(ms, work);
        begun += 1;
        patiences.add(work);
        return { cancel: () => void patiences.delete(work) };
      },
      every(_ms, work) {
        say = work;
        return { cancel: () => undefined };
      },
    },
  };
  const waited: (Progress | undefined)[] = [];
  let standbys = 0;
  const patience = {
    silentMs,
    sayEveryMs: 1_000,
    stillWaiting: (_waitedMs: number, progress: Progress | undefined) => void waited.push(progress),
    standingBy: () => {
      standbys += 1;
    },
  };
  const child = startChild(world, 'part', path, [], patience, new AbortController().signal);
  onTestFinished(async () => {
    const started = await child;
    if (started.ok) await started.value.stop(5_000);
    removeFolder(folder);
  });
  return {
    child,
    patiences,
    begun: () => begun,
    stoodBy: () => standbys,
    /** What is told now of how far it is. */
    told() {
      say();
      return waited.at(-1)?.count;
    },
    sayLast: () => writeFileSync(leave, ''),
    losePatience: () => patiences.forEach((lose) => lose()),
  };
}
const counted = (count: number): Progress => ({ event: 'starting', count, of: 7 });

test('a part that gets on is waited for, however long that takes, and what is waited for is told', async () => {
  const part = start([1, 2, 3, 4, 5, 6, 7].map(counted), { event: 'ready' });
  expect(part.told()).toBeUndefined();
  await until('all of them', () => part.told() === 7);
  // Each of them began the patience anew.
  expect([part.begun(), part.patiences.size]).toEqual([1 + 7, 1]);
  part.sayLast();
  expect((await part.child).ok).toBe(true);
  expect(part.patiences.size).toBe(0);
});

test('a part that says nothing, or the same for ever, is given up', async () => {
  const same = Array.from({ length: 200 }, () => counted(3));
  for (const [lines, begun] of [
    [[], 1],
    [[...same, counted(4)], 3],
  ] as const) {
    const part = start(lines);
    await until('what it says', () => part.told() === lines.at(-1)?.count);
    expect([part.begun(), part.patiences.size]).toEqual([begun, 1]);
    part.losePatience();
    expect(await part.child).toMatchObject({ ok: false, fault: { code: 'START_TOO_SLOW', facts: { name: 'part' } } });
  }
});

test('the first other line is the answer', async () => {
  const part = start([counted(1), { event: 'failed', code: 'PORT_TAKEN', facts: { port: 1 } }]);
  expect(await part.child).toMatchObject({ ok: false, fault: { code: 'PORT_TAKEN', facts: { port: 1 } } });
});

test('a node that stands by is waited for without an end, and that it does is told', async () => {
  const standby = { event: 'standby', node: 'two' };
  const part = start([standby, standby, standby, standby], { event: 'ready' });
  await until('four words of it', () => part.stoodBy() === 4);
  expect(part.patiences.size).toBe(0);
  part.sayLast();
  expect((await part.child).ok).toBe(true);
});
