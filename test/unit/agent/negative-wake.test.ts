import { isAwake } from '@tsunagu/firmware-bridge/negative/wake-up';
import { type Link, openLink } from '@tsunagu/firmware-bridge/link/index';
import { contactOf } from '@tsunagu/fleet-server/conversation/contact';
import { pauseBeforeConnect, serialSchema } from '@tsunagu/protocols/fleet';
import { expect, test } from 'vitest';
import { numbers } from '../../negative/lists.ts';
import { answers, bad, lists, oneTerminal, open, server, setLine, settled, world, worse } from './negative-terminal.ts';
import { tenant, until } from './tiny-server.ts';

oneTerminal();

/** A link of a terminal of its own, which hands the heads of the regular list on. */
function linkOf(at: number, network: Awaited<ReturnType<typeof open>>['network'], onHead: (bytes: Uint8Array) => void) {
  const serial = serialSchema.parse(`WAKE-${String(at).padStart(4, '0')}`);
  const link: Link = openLink({ world, tenant, serial, boot: 1, network });
  return {
    link,
    start: () =>
      link.start({
        hello: () => ({
          model: 'CT-5100',
          software: { version: '1.0.0', slot: 'A' },
          configuration: { version: 0, hash: '' },
          keys: [],
          negative: [],
          cards: [],
        }),
        up: () => undefined,
        down: () => undefined,
        notified: () => undefined,
        negativeHead: (list, bytes) => list === 'regular' && onHead(bytes),
      }),
  };
}

test('a waking terminal on its line is safe after two round trips and 1.5 kB: connect, subscribe, and head and overlay are there', async () => {
  const first = await open();
  first.take(1, { cards: [bad], more: 200 });
  await settled(first, 1);
  first.stop.abort();
  server.publishHead('regular', lists.publish(1, { cards: [bad], more: 200, seq: 1, overlay: [worse] }));

  const { network } = first;
  let woken: Awaited<ReturnType<typeof open>> | undefined;
  const safe: { trips: number; bytes: number }[] = [];
  let trips = 0;
  let bytes = 0;
  const held: (() => void)[] = [];
  const counted: typeof network = {
    ...network,
    async open(service, timeoutMs) {
      const opened = await network.open(service, timeoutMs);
      if (!opened.ok || service !== 'fleet') return opened;
      // A trip is whatever is sent after something came. A third one is held back until the head is here: it does not hang on it.
      let hasCome = true;
      const write = opened.value.write.bind(opened.value) as (...args: unknown[]) => boolean;
      opened.value.write = (...args: unknown[]) => {
        if (hasCome && trips === 2 && safe.length === 0) {
          held.push(() => write(...args));
          return true;
        }
        if (hasCome) trips += 1;
        hasCome = false;
        bytes += (args[0] as Uint8Array).length;
        return write(...args);
      };
      opened.value.prependListener('data', (piece: Buffer) => {
        hasCome = true;
        bytes += piece.length;
      });
      return opened;
    },
  };
  const { link, start } = linkOf(0, counted, (message) => {
    woken?.file.take('regular', message);
    safe.push({ trips, bytes });
  });
  setLine(link);
  woken = await open(first.files.afterPowerLoss(false));
  expect(answers(woken)).toEqual(['stale', 'listed', 'stale']);
  start();
  await until(() => safe.length > 0, 'the head');
  expect(answers(woken)).toEqual(['clear', 'listed', 'listed']);
  for (const send of held) send();
  expect(safe[0]?.trips).toBe(2);
  expect(safe[0]?.bytes).toBeLessThanOrEqual(1_500);
  await woken.file.idle();
  woken.stop.abort();
  await link.stop();
});

test('a storm of 12 terminals on real lines: all of them fall together, come back, and each has the head of then', async () => {
  const { network, stop } = await open();
  stop.abort();
  server.publishHead('regular', lists.publish(1, { cards: [bad] }));
  const heads = new Map<number, number>();
  let newest = 0;
  const links = Array.from({ length: 12 }, (_, at) => linkOf(at, network, (bytes) => heads.set(at, bytes.length)));
  for (const { start } of links) start();
  await until(() => links.every(({ link }) => link.isUp) && heads.size === links.length, 'all of them');
  heads.clear();
  const message = lists.publish(1, { cards: [bad], seq: 1, overlay: [worse] });
  newest = message.length;
  server.dropConnections();
  server.publishHead('regular', message);
  await until(() => links.every(({ link }) => link.isUp) && heads.size === links.length, 'all of them again');
  expect([...heads.values()].every((length) => length === newest)).toBe(true);
  await Promise.all(links.map(({ link }) => link.stop()));
});

test('a storm of 100 000 in virtual time: a server that takes 400 a second has all of them back, and nobody is cleared before its head', () => {
  const terminals = 100_000;
  const perSecond = 400;
  const contact = contactOf(serialSchema.parse('WAKE-0001'), terminals);
  const below = numbers(31);
  const random = () => below(2 ** 30) / 2 ** 30;
  // Tries by the second in which they fall; a terminal is its last pause.
  const tries: number[][] = [];
  const plan = (atMs: number, pauseMs: number | undefined) => {
    const second = Math.floor(atMs / 1_000);
    (tries[second] ??= []).push(pauseMs ?? 0);
  };
  for (let at = 0; at < terminals; at += 1) plan(pauseBeforeConnect(contact, undefined, random()), undefined);
  let back = 0;
  let busiest = 0;
  let ended = 0;
  let early = 0;
  for (let second = 0; back < terminals && second < 3_600; second += 1) {
    const now = tries[second] ?? [];
    busiest = Math.max(busiest, now.length);
    for (const [at, before] of now.entries()) {
      const isTaken = at < perSecond;
      // Where the server has no room, the line was tried and is not there: age decides. On a line that stands the head comes first.
      if (isAwake(false, { isUp: isTaken, wasTried: before > 0 }) !== (!isTaken && before > 0)) early += 1;
      if (isTaken) back += 1;
      else {
        const pauseMs = pauseBeforeConnect(contact, before, random());
        plan((second + 1) * 1_000 + pauseMs, pauseMs);
      }
    }
    ended = second;
  }
  expect(back).toBe(terminals);
  expect(early).toBe(0);
  // The spread is the server's own: no second has twice what it takes, and the last is back within twice the spread.
  expect(busiest).toBeLessThan(2 * perSecond);
  expect(ended * 1_000).toBeLessThan(2 * contact.spreadMs);
});
