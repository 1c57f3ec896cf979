import { holdContainer } from '@tsunagu/firmware-bridge/negative/held-container';
import { openSealedStore, sealedRecord } from '@tsunagu/firmware-bridge/sealed-store/index';
import { unwrap } from '@tsunagu/protocols/kit';
import { containerRoot, encodeContainer, lookUp, openContainer, tagOf } from '@tsunagu/protocols/negative';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { numbers, randomHashes } from '../../negative/lists.ts';
import { breakingDownload } from './negative-resume.ts';
import type { MemoryFiles } from './memory-files.ts';
import {
  answers,
  bad,
  good,
  lists,
  logged,
  oneTerminal,
  type Open,
  open,
  server,
  settled,
  timers,
  versionOf,
  world,
  worse,
} from './negative-terminal.ts';
import { until } from './tiny-server.ts';

oneTerminal();

/** A terminal with a first list, off. Each test goes on from what lies on its medium. */
async function withFirstList(more: number): Promise<MemoryFiles> {
  const terminal = await open();
  terminal.take(1, { cards: [bad], more });
  await settled(terminal, 1);
  await stop(terminal);
  return terminal.files.afterPowerLoss(true);
}
async function stop(terminal: Open): Promise<void> {
  terminal.stop.abort();
  await terminal.file.idle();
}

test('a drip of bytes ends at its deadline, whatever part drips: what is in force goes on, and the next try brings the rest', async () => {
  const base = await withFirstList(400);
  for (const kind of ['manifest', '.nfd', '.nfs', '.steps'] as const) {
    const isThis = (url: string) => (kind === 'manifest' ? !/\.(nfs|nfd|steps)$/.test(url) : url.endsWith(kind));
    const next = lists.publish(2, { cards: [bad, worse], more: 400 });
    // A whole list is fetched where there is no way from the one in force.
    if (kind === '.nfs' || kind === '.steps') forgetDeltas();
    let dripped = 0;
    server.onArtefact = (bytes, request, response) => {
      if (dripped > 0 || !isThis(request.url ?? '')) return false;
      dripped += 1;
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 1));
      return true;
    };
    const terminal = await open(base.afterPowerLoss(true));
    terminal.file.take('regular', next);
    await until(() => dripped > 0, `the drip of ${kind}`);
    await until(() => timers.pending(120_000) > 0, 'the deadline');
    expect(answers(terminal)).toEqual(['clear', 'listed', 'clear']);
    timers.expire(120_000);
    await until(() => logged('ANSWER_TIMED_OUT'), `the deadline of ${kind}`);
    expect(terminal.file.check(bad)).toBe('listed');
    await settled(terminal, 2);
    expect(answers(terminal)).toEqual(['clear', 'listed', 'listed']);
    await stop(terminal);
  }
});

function forgetDeltas(): void {
  for (const name of server.negativeParts.keys()) if (name.endsWith('.nfd')) server.negativeParts.delete(name);
}

test('endless data is cut off where the signed length ends, whatever part it is, and nothing of it is in force', async () => {
  const base = await withFirstList(401);
  for (const kind of ['manifest', '.nfd', '.nfs', '.steps'] as const) {
    const isThis = (url: string) => (kind === 'manifest' ? !/\.(nfs|nfd|steps)$/.test(url) : url.endsWith(kind));
    const next = lists.publish(2, { cards: [bad, worse], more: 401 });
    if (kind === '.nfs' || kind === '.steps') forgetDeltas();
    let sent = 0;
    let cut = 0;
    server.onArtefact = (bytes, request, response) => {
      if (cut > 0 || !isThis(request.url ?? '')) return false;
      response.writeHead(200);
      response.write(bytes);
      const more = Buffer.alloc(65_536, 0xa5);
      const pour = () => {
        while (!response.destroyed && sent < 1 << 26) {
          sent += more.length;
          if (!response.write(more)) return void response.once('drain', pour);
        }
      };
      response.once('close', () => {
        cut += 1;
      });
      pour();
      return true;
    };
    const terminal = await open(base.afterPowerLoss(true));
    terminal.file.take('regular', next);
    await until(() => cut > 0, `the end of ${kind}`);
    // Far below what would have come: the terminal hung up, and the sockets between held the rest.
    expect(sent).toBeLessThan(1 << 26);
    expect(terminal.file.check(bad)).toBe('listed');
    await settled(terminal, 2);
    expect(answers(terminal)).toEqual(['clear', 'listed', 'listed']);
    await stop(terminal);
  }
});

test('a part that is gone half-way, or was never there, costs a try: the download begins anew when it is back', async () => {
  const base = await withFirstList(12_002);
  const next = lists.publish(2, { cards: [bad, worse], more: 12_002 });
  forgetDeltas();
  let requests = 0;
  server.onArtefact = (bytes, request, response) => {
    if (!request.url?.endsWith('.nfs')) return false;
    requests += 1;
    if (requests === 1) {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 20_000), () => response.destroy());
      return true;
    }
    if (requests > 2) return false;
    response.writeHead(404).end('not here');
    return true;
  };
  const terminal = await open(base);
  terminal.file.take('regular', next);
  await until(() => requests >= 2, 'the 404');
  expect(answers(terminal)).toEqual(['clear', 'listed', 'clear']);
  await settled(terminal, 2);
  expect(answers(terminal)).toEqual(['clear', 'listed', 'listed']);
  // The second asked for the rest; the third, after the 404, for all of it.
  const ranges = server.artefactRequests.filter(({ name }) => name.endsWith('.nfs')).map(({ range }) => range);
  expect(ranges.slice(-2)).toEqual([expect.stringMatching(/^bytes=\d+-$/), undefined]);
  await stop(terminal);
});

test('two versions with one number: the second is refused, by whoever it is signed', async () => {
  const base = await withFirstList(50);
  const terminal = await open(base);
  terminal.take(1, { cards: [], more: 51, manifest: { size: 1 } });
  await until(() => logged('NEGATIVE_MIXED'), 'the refusal');
  await terminal.file.idle();
  expect(answers(terminal)).toEqual(['clear', 'listed', 'clear']);
  expect(versionOf(terminal)).toBe(1);
  await stop(terminal);
});

test('a medium that writes half a page, or writes nothing and says it did, never has a list in force that is not the signed one', async () => {
  const base = await withFirstList(300);
  const spoils: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
    ['half', (bytes) => bytes.subarray(0, bytes.length >> 1)],
    ['a page of ones', (bytes) => bytes.slice().fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 256)],
    ['one bit', (bytes) => bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 8)],
    ['nothing', () => new Uint8Array(0)],
  ];
  for (const [how, spoil] of spoils) {
    const files = base.afterPowerLoss(true);
    const write = files.write.bind(files);
    let spoilt = 0;
    files.write = async (name, bytes) => {
      const isList = name.includes('.nfs');
      if (isList) spoilt += 1;
      await write(name, isList && spoilt === 1 ? spoil(bytes) : bytes);
    };
    const terminal = await open(files);
    terminal.take(2, { cards: [bad, worse], more: 300 });
    await until(() => spoilt > 0, how);
    await until(() => logged('negativeListNotFetched'), `the refusal of ${how}`);
    expect(terminal.file.check(bad), how).toBe('listed');
    const cut = await open(files.afterPowerLoss(true));
    expect(versionOf(cut), how).toBe(1);
    expect(answers(cut), how).toEqual(['clear', 'listed', 'clear']);
    await stop(cut);
    await settled(terminal, 2);
    expect(answers(terminal), how).toEqual(['clear', 'listed', 'listed']);
    await stop(terminal);
  }
});

test('a medium that cannot be read, once or from then on, at any of its reads, clears nobody with what is not there', async () => {
  const base = await withFirstList(120);
  let isDone = false;
  for (let failAt = 1; !isDone; failAt += 1) {
    for (const isOnce of [true, false]) {
      const files = base.afterPowerLoss(true);
      const read = files.read.bind(files);
      let reads = 0;
      files.read = async (name) => {
        // The list and its record; a terminal whose identity cannot be read does not start at all.
        if (!name.includes('negative')) return await read(name);
        reads += 1;
        if (isOnce ? reads === failAt : reads >= failAt) throw new Error('the page cannot be read');
        return await read(name);
      };
      const terminal = await open(files).catch((error: unknown) => String(error));
      if (typeof terminal === 'string') {
        expect(terminal, `read ${failAt}`).toContain('STORE_READ_FAILED');
        continue;
      }
      expect(terminal.file.check(bad), `read ${failAt}`).not.toBe('clear');
      terminal.take(2, { cards: [bad, worse], more: 120 });
      await terminal.file.idle();
      await terminal.file.scrub();
      await terminal.file.idle();
      expect(terminal.file.check(bad), `read ${failAt}`).not.toBe('clear');
      if (versionOf(terminal) === 2) expect(terminal.file.check(worse), `read ${failAt}`).not.toBe('clear');
      else expect(terminal.file.check(good) === 'clear' && versionOf(terminal) === 0, `read ${failAt}`).toBe(false);
      await stop(terminal);
      const after = await open(files.afterPowerLoss(false));
      expect(after.file.check(bad), `after read ${failAt}`).not.toBe('clear');
      await stop(after);
      if (reads < failAt) isDone = true;
    }
    expect(failAt).toBeLessThan(30);
  }
});

test('every bit of the record that says which list counts: rotten, it is refused, and nobody is cleared', async () => {
  const base = await withFirstList(20);
  const record = sealedRecord('negative-trust', z.unknown());
  const name = (await base.list()).find((each) => each.includes('negative-trust')) ?? '';
  const bytes = (await base.read(name)) ?? new Uint8Array(0);
  expect(bytes.length).toBeGreaterThan(300);
  const files = base.afterPowerLoss(true);
  const store = unwrap(await openSealedStore(files, world));
  expect((await store.read(record)).ok).toBe(true);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    await files.write(name, bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))));
    expect(await store.read(record), `bit ${bit}`).toMatchObject({
      ok: false,
      fault: { code: 'STORE_RECORD_DAMAGED' },
    });
    // The terminal as a whole, now and then.
    if (bit % 1_009 === 0) await expect(open(files.afterPowerLoss(true))).rejects.toThrow(/STORE_RECORD_DAMAGED/);
  }
});

test('rot of 10^5 bits of a list in use, and of every bit of its header and index: no listed card is cleared, and no look-up throws', () => {
  const set = randomHashes(11, 20_000, 39, 3);
  const bytes = encodeContainer(set);
  const opened = unwrap(openContainer(bytes));
  const manifest = lists.manifestOf(1, { root: containerRoot(opened), size: bytes.length, count: opened.count });
  const { container, isSoundFor, rotten } = unwrap(holdContainer(bytes, manifest));
  const entries = set.partitions[0]?.entries ?? new Float64Array(0);
  const below = numbers(12);
  const bodyStart = container.span(0).start;
  const probeOf = (tag: number) => {
    const mac = new Uint8Array(16);
    new DataView(mac.buffer).setBigUint64(0, BigInt(tag) << 25n);
    return { mac, digits: new Uint8Array(0) };
  };
  const layers = { overlay: new Float64Array(0), container, isFresh: true, now: 0 };
  const isCleared = (tag: number) => lookUp(layers, probeOf(tag)).answer === 'clear' && isSoundFor(probeOf(tag));
  const segmentOf = (byte: number) => {
    let [low, high] = [0, container.segments - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (container.span(middle).start <= byte) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const firstOf = Array.from({ length: container.segments }, () => entries.length);
  for (const [at, entry] of entries.entries()) {
    const segment = container.segmentOf(0, tagOf(entry));
    firstOf[segment] = Math.min(firstOf[segment] ?? at, at);
  }
  const cardIn = (segment: number) => {
    const from = firstOf[segment] ?? 0;
    return tagOf(entries[from + below(Math.max(1, (firstOf[segment + 1] ?? entries.length) - from))] ?? 0);
  };
  let misread = 0;
  const flips = bodyStart * 8 + 100_000;
  for (let flip = 0; flip < flips; flip += 1) {
    const isBody = flip >= bodyStart * 8;
    const bit = isBody ? bodyStart * 8 + below((bytes.length - 4 - bodyStart) * 8) : flip;
    // A bit of an index may point anywhere: any card may be the one that it hides.
    const tag = isBody ? cardIn(segmentOf(bit >> 3)) : cardIn(below(container.segments));
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if (container.find(0, tag) < 0) misread += 1;
    if (isCleared(tag)) expect.fail(`bit ${bit} clears a listed card`);
    if (flip % 5_003 === 0) expect(rotten().length, `bit ${bit}`).toBeGreaterThan(0);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  }
  // Without the checksums this would be that many cards let through.
  expect(misread).toBeGreaterThan(10_000);
  expect(rotten()).toEqual([]);
});

test('every order of overlays against bases: what is listed by either is never cleared, and the end is the same', async () => {
  // Versions 1 and 2 take what the overlays before them said; overlay 3 comes with version 2.
  const messages = [
    lists.publish(1, { cards: [], more: 60, seq: 1, overlay: [bad] }),
    lists.publish(1, { cards: [], more: 60, seq: 2, overlay: [bad, worse] }),
    lists.publish(2, { cards: [bad], more: 60, seq: 2, overlay: [worse] }),
    lists.publish(2, { cards: [bad], more: 60, seq: 3, overlay: [worse] }),
  ];
  for (const order of permutations([0, 1, 2, 3])) {
    const terminal = await open();
    let newest = -1;
    for (const at of order) {
      const message = messages[at];
      if (!message) continue;
      terminal.file.take('regular', message);
      newest = Math.max(newest, at);
      // Half of the orders let each base come in force before the next message.
      if (order[0] !== undefined && order[0] % 2 === 0) await terminal.file.idle();
      // Listed as soon as what lists it is here; until then nobody is cleared.
      expect(terminal.file.check(bad), String(order)).not.toBe('clear');
      if (newest > 0) expect(terminal.file.check(worse), String(order)).toBe('listed');
    }
    await settled(terminal, 2);
    expect(answers(terminal), String(order)).toEqual(['clear', 'listed', 'listed']);
    expect(terminal.file.report(), String(order)).toMatchObject([{ version: 2, overlaySeq: 3 }]);
    await stop(terminal);
  }
});

function permutations(of: readonly number[]): readonly (readonly number[])[] {
  if (of.length < 2) return [of];
  return of.flatMap((first) => permutations(of.filter((each) => each !== first)).map((rest) => [first, ...rest]));
}

test('a card that is taken off and put on again on one day: each delta and both together lead to the signed list', async () => {
  const base = await withFirstList(200);
  const off = lists.publish(2, { cards: [], more: 200 });
  const on = lists.publish(3, { cards: [bad, worse], more: 200 });
  const step = await open(base.afterPowerLoss(true));
  step.file.take('regular', off);
  await settled(step, 2);
  expect(step.file.check(bad)).toBe('clear');
  step.file.take('regular', on);
  await settled(step, 3);
  const direct = await open(base.afterPowerLoss(true));
  direct.file.take('regular', on);
  await settled(direct, 3);
  for (const terminal of [step, direct]) {
    expect(answers(terminal)).toEqual(['clear', 'listed', 'listed']);
    await stop(terminal);
  }
  // Both ways end in the same bytes: those of the server.
  const signedBytes = [...server.negativeParts].findLast(([name]) => name.endsWith('.nfs'))?.[1] ?? new Uint8Array(0);
  for (const { files } of [step, direct]) {
    const held = await Promise.all(['A', 'B'].map((slot) => files.read(`negative-${slot}.nfs`)));
    expect(held.some((bytes) => bytes && Buffer.from(bytes).equals(signedBytes))).toBe(true);
  }
  expect([...server.negativeParts.keys()].filter((name) => name.endsWith('.nfd')).length).toBeGreaterThan(1);
  expect(logged('negativeDeltaUnusable')).toBe(false);
});

// Every byte of it: unit/negative/arrival.test.ts.
test('a download whose line breaks goes on from what is proven', async () => {
  const { size, headEnd, resumes } = await breakingDownload(5_500);
  let kept = 0;
  for (const cut of [0, 1, headEnd - 1, headEnd, 6_000, 16_000, size - 5, size - 4, size - 1])
    kept = Math.max(kept, await resumes(cut));
  // The last ones had the first step behind them.
  expect(kept).toBeGreaterThan(10_000);
});
