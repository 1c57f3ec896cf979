import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, onTestFinished, test } from 'vitest';
import { type Progress, startChild } from '../../../cli/src/house/child.ts';
import { newFolder, removeFolder } from '../core/support.ts';

const world = systemWorld(() => undefined);
/** A part of a house that says these things, each after a pause, and stays. */
async function start(pauseMs: number, lines: readonly object[], silentMs: number, sayEveryMs = 50) {
  const folder = newFolder();
  const path = join(folder, 'part.mjs');
  writeFileSync(
    path,
    `for (const line of ${JSON.stringify(lines)}) {
      await new Promise((resolve) => setTimeout(resolve, ${pauseMs}));
      console.log(JSON.stringify(line));
    }
    setInterval(() => undefined, 1_000);`,
  );
  const waited: (Progress | undefined)[] = [];
  let standbys = 0;
  const patience = {
    silentMs,
    sayEveryMs,
    stillWaiting: (_waitedMs: number, progress: Progress | undefined) => void waited.push(progress),
    standingBy: () => {
      standbys += 1;
    },
  };
  const child = await startChild(world, 'part', path, [], patience, new AbortController().signal);
  onTestFinished(async () => {
    if (child.ok) await child.value.stop(5_000);
    removeFolder(folder);
  });
  return { child, waited, stoodBy: () => standbys };
}
const counted = (count: number): Progress => ({ event: 'starting', count, of: 7 });

test('a part that gets on is waited for, however long that takes, and what is waited for is told', async () => {
  const silentMs = 4_000;
  // Some six seconds in all.
  const { child, waited } = await start(800, [...[1, 2, 3, 4, 5, 6, 7].map(counted), { event: 'ready' }], silentMs);
  expect(child.ok).toBe(true);
  expect(waited.map((progress) => progress?.count)).toEqual(expect.arrayContaining([undefined, 1, 4, 6]));
}, 60_000);

test('a part that says nothing, or the same for ever, is given up', async () => {
  for (const lines of [[], Array.from({ length: 200 }, () => counted(3))]) {
    const { child } = await start(100, lines, 2_000);
    expect(child).toMatchObject({ ok: false, fault: { code: 'START_TOO_SLOW', facts: { name: 'part' } } });
  }
}, 60_000);

test('the first other line is the answer', async () => {
  const failed = { event: 'failed', code: 'PORT_TAKEN', facts: { port: 1 } };
  const { child } = await start(10, [counted(1), failed], 30_000);
  expect(child).toMatchObject({ ok: false, fault: { code: 'PORT_TAKEN', facts: { port: 1 } } });
});

test('a node that stands by is waited for without an end, and that it does is told', async () => {
  const standby = { event: 'standby', node: 'two' };
  const { child, stoodBy } = await start(1_000, [standby, standby, standby, standby, { event: 'ready' }], 3_000);
  expect(child.ok).toBe(true);
  expect(stoodBy()).toBe(4);
}, 60_000);
