import { directNetwork } from '@tsunagu/firmware-bridge/link/index';
import {
  openArtefactCache,
  openChunkStore,
  openNamedParts,
  openRelay,
  parentLists,
} from '@tsunagu/firmware-bridge/relay/index';
import { sharedLine } from '@tsunagu/firmware-bridge/software/index';
import { holdContainer } from '@tsunagu/firmware-bridge/negative/held-container';
import { containerRoot, openContainer } from '@tsunagu/protocols/negative';
import { encodeRoot, encodeSigned } from '@tsunagu/protocols/negative/authority';
import { negativeNames, serialSchema } from '@tsunagu/protocols/fleet';
import { ok, secretPan, unwrap } from '@tsunagu/protocols/kit';
import { expect, test } from 'vitest';
import { signed, signer } from '../../negative/signers.ts';
import { MemoryFiles } from './memory-files.ts';
import {
  answers,
  bad,
  good,
  lines,
  lists,
  logged,
  noLine,
  oneTerminal,
  open,
  server,
  setLine,
  settled,
  versionOf,
  world,
  worse,
} from './negative-terminal.ts';
import { until } from './tiny-server.ts';

oneTerminal();

test('a terminal without a list or a key approves nothing offline', async () => {
  expect((await open()).file.check(good)).toBe('stale');
  expect((await open(undefined, undefined, false)).file.check(good)).toBe('unknown-key');
});

test('a head leads to a proven list; the reason comes with it', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [bad] });
  await settled(terminal, 1);
  expect(answers(terminal)).toEqual(['clear', 'listed', 'clear']);
  expect(terminal.file.explain(bad)).toEqual({ answer: 'listed', reason: 'stolen' });
  expect(server.artefactRequests.every(({ serial }) => serial === 'CT5100-0001')).toBe(true);
  terminal.stop.abort();
});

test('after a restart the list is there again, and clears nobody before the head and overlay of this boot: a card may have been blocked meanwhile', async () => {
  const terminal = await open();
  const list = { cards: [bad] };
  terminal.take(1, list);
  await settled(terminal, 1);
  terminal.stop.abort();
  for (const [told, before] of [
    [{ isUp: false, wasTried: false }, 'stale'],
    [{ isUp: true, wasTried: false }, 'stale'],
    [{ isUp: true, wasTried: true }, 'stale'],
    // Without a line its age decides, as when the line is lost while it runs.
    [noLine, 'clear'],
  ] as const) {
    setLine({ ...told });
    const again = await open(terminal.files.afterPowerLoss(false));
    expect(answers(again)).toEqual([before, 'listed', before]);
    expect(again.file.allowance().freshness).toBe(before === 'stale' ? 'hard' : 'fresh');
    // A head that is refused wakes nobody.
    again.take(1, { ...list, headSigner: signer('head') });
    expect(again.file.check(good)).toBe(before);
    again.take(1, { ...list, seq: 1, overlay: [worse] });
    expect(answers(again)).toEqual(['clear', 'listed', 'listed']);
    expect(again.file.allowance().freshness).toBe('fresh');
    await again.file.idle();
    again.stop.abort();
  }
  // The line comes back after the start: from then on its word is waited for.
  const line = { ...noLine };
  setLine(line);
  const late = await open(terminal.files.afterPowerLoss(false));
  expect(late.file.check(good)).toBe('clear');
  line.isUp = true;
  expect(late.file.check(good)).toBe('stale');
  late.take(1, list);
  expect(late.file.check(good)).toBe('clear');
  // Once it was told, a line that breaks changes nothing but its age.
  Object.assign(line, noLine);
  expect(late.file.check(good)).toBe('clear');
  await late.file.idle();
  late.stop.abort();
});

test('an emergency entry counts at once, before the list is here, and whatever its fate', async () => {
  server.onArtefact = (_, __, response) => {
    response.writeHead(500).end();
    return true;
  };
  const terminal = await open();
  terminal.take(1, { cards: [], seq: 1, overlay: [bad] });
  expect(terminal.file.explain(bad)).toEqual({ answer: 'listed', reason: 'fraud' });
  expect(terminal.file.check(good)).toBe('stale');
  await terminal.file.idle();
  expect(terminal.file.check(bad)).toBe('listed');
  terminal.stop.abort();
});

test('a waking terminal whose list is current is safe with the head and its overlay alone: one message of under 1.5 kB', async () => {
  const terminal = await open();
  const list = { cards: [bad], more: 300 };
  terminal.take(1, list);
  await settled(terminal, 1);
  terminal.stop.abort();
  setLine({ isUp: true, wasTried: false });
  const woken = await open(terminal.files.afterPowerLoss(false));
  server.artefactRequests.length = 0;
  expect(answers(woken)).toEqual(['stale', 'listed', 'stale']);
  const many = Array.from({ length: 90 }, (_, at) => secretPan(String(4_000_000_000_000_000 + at)));
  const message = lists.publish(1, { ...list, seq: 1, overlay: [worse, ...many] });
  woken.file.take('regular', message);
  expect(answers(woken)).toEqual(['clear', 'listed', 'listed']);
  expect(message.length).toBeLessThan(1_500);
  await woken.file.idle();
  expect(server.artefactRequests).toEqual([]);
  woken.stop.abort();
});

test('a version after the first comes as a delta; no moment of the change lets a listed card through', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [], more: 2_000, seq: 1, overlay: [bad] });
  await settled(terminal, 1);
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  server.artefactRequests.length = 0;
  server.onArtefact = (bytes, _, response) => {
    void held.then(() => response.writeHead(200).end(bytes));
    return true;
  };
  // The new list has taken the emergency entry in: its overlay no longer names it.
  terminal.take(2, { cards: [bad], more: 2_000, seq: 2, overlay: [worse] });
  expect([terminal.file.check(bad), terminal.file.check(worse)]).toEqual(['listed', 'listed']);
  release();
  await settled(terminal, 2);
  expect(answers(terminal)).toEqual(['clear', 'listed', 'listed']);
  expect(server.artefactRequests.some(({ name }) => name.endsWith('.nfd'))).toBe(true);
  expect(server.artefactRequests.some(({ name }) => name.endsWith('.nfs'))).toBe(false);
  terminal.stop.abort();
});

test('a damaged delta costs a whole list, and nothing else', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [bad], more: 500 });
  await settled(terminal, 1);
  const next = lists.publish(2, { cards: [bad, worse], more: 500 });
  for (const [name, bytes] of server.negativeParts)
    if (name.endsWith('.nfd')) server.negativeParts.set(name, bytes.with(bytes.length - 3, (bytes.at(-3) ?? 0) ^ 4));
  terminal.file.take('regular', next);
  await settled(terminal, 2);
  expect(answers(terminal)).toEqual(['clear', 'listed', 'listed']);
  expect(logged('negativeDeltaUnusable')).toBe(true);
  terminal.stop.abort();
});

test('an old head, a foreign signature and a head of another list change nothing', async () => {
  const terminal = await open();
  const list = { cards: [bad] };
  terminal.take(5, { ...list, seq: 9 });
  await settled(terminal, 5);
  terminal.take(4, { cards: [], seq: 9 });
  terminal.take(6, { cards: [], seq: 8 });
  terminal.take(5, { ...list, seq: 8 });
  terminal.take(7, { cards: [good], seq: 9, headSigner: signer('head') });
  terminal.file.take('other', lists.publish(8, { cards: [good], seq: 9 }));
  terminal.take(8, { cards: [good], seq: 9, head: { list: 'other' } });
  terminal.file.take('regular', lists.publish(8, { cards: [good], seq: 9 }).subarray(1));
  await terminal.file.idle();
  expect(answers(terminal)).toEqual(['clear', 'listed', 'clear']);
  expect(terminal.file.report()).toMatchObject([{ version: 5, overlaySeq: 9 }]);
  terminal.stop.abort();
});

test('a list by another key, or one that shrinks with one signature, is fetched and never in force', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [bad], more: 100 });
  await settled(terminal, 1);
  terminal.take(2, { cards: [], more: 100, listSigners: [lists.keys.otherIssuer] });
  await until(() => logged('SIGNATURE_INVALID'), 'the refusal');
  terminal.take(3, { cards: [], more: 50 });
  await until(() => logged('NEGATIVE_SHRINKS'), 'the refusal');
  expect(answers(terminal)).toEqual(['clear', 'listed', 'clear']);
  terminal.take(4, { cards: [], more: 50, listSigners: [lists.keys.list, lists.keys.second] });
  await settled(terminal, 4);
  expect(terminal.file.check(bad)).toBe('clear');
  terminal.stop.abort();
});

test('a list that one key exchanges for another of the same size, at once or step by step, is fetched and never in force', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [bad], more: 100 });
  await settled(terminal, 1);
  // As many cards, all of them others: the count says nothing.
  terminal.take(2, { cards: [], more: 101 });
  await until(() => logged('NEGATIVE_SHRINKS'), 'the refusal');
  expect(answers(terminal)).toEqual(['clear', 'listed', 'clear']);
  expect(versionOf(terminal)).toBe(1);
  const others = Array.from({ length: 8 }, (_, at) => secretPan(String(4_000_000_000_000_000 + at)));
  terminal.take(3, { cards: [bad, ...others], more: 100 });
  await settled(terminal, 3);
  // Five of a hundred and nine go at once, and what went counts over a power loss.
  terminal.take(4, { cards: [bad, ...others.slice(5)], more: 100, seq: 1, overlay: [worse] });
  await settled(terminal, 4);
  terminal.stop.abort();
  await terminal.file.idle();
  const again = await open(terminal.files.afterPowerLoss(false));
  lines.length = 0;
  again.take(5, { cards: [bad, worse, ...others.slice(6)], more: 100, seq: 1 });
  await until(() => logged('NEGATIVE_SHRINKS'), 'the refusal');
  expect(versionOf(again)).toBe(4);
  expect(again.file.check(worse)).toBe('listed');
  again.take(6, {
    cards: [worse],
    more: 100,
    seq: 1,
    listSigners: [lists.keys.list, lists.keys.second],
  });
  await settled(again, 6);
  expect(answers(again)).toEqual(['clear', 'clear', 'listed']);
  again.stop.abort();
});

test('keys that are replaced by a new root are followed by themselves', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [bad] });
  await settled(terminal, 1);
  const head = signer('head');
  const root = lists.rootOf({
    version: 2,
    keys: [...lists.rootOf().keys.filter(({ role }) => role !== 'head'), head.key],
  });
  server.negativeParts.set(
    negativeNames.authority(2),
    encodeSigned(signed('root', encodeRoot(root), lists.keys.roots[0], lists.keys.roots[2])),
  );
  terminal.take(2, { cards: [bad, worse], headSigner: head, head: { rootVersion: 2 } });
  await settled(terminal, 2);
  expect(answers(terminal)).toEqual(['clear', 'listed', 'listed']);
  terminal.stop.abort();
  server.negativeParts.delete(negativeNames.authority(2));
});

const nothing = { freshness: 'hard', amountLeftMinor: 0 };

test('offline approvals end by number, restarts or not, and a new head begins anew', async () => {
  let terminal = await open();
  expect(terminal.file.allowance()).toEqual(nothing);
  terminal.take(1, { cards: [bad] });
  await settled(terminal, 1);
  for (let sale = 0; sale < 50; sale += 1) {
    expect(terminal.file.allowance()).toEqual({ freshness: 'fresh', amountLeftMinor: 500_000 - sale * 100 });
    expect(await terminal.file.approvedOffline(100)).toEqual(ok(undefined));
    if (sale % 20 > 0) continue;
    terminal.stop.abort();
    terminal = await open(terminal.files.afterPowerLoss(false));
  }
  expect(terminal.file.allowance()).toEqual(nothing);
  expect(answers(terminal)).toEqual(['stale', 'listed', 'stale']);
  terminal.take(1, { cards: [bad], head: { issuedAt: Math.floor(Date.now() / 1_000) + 1 } });
  expect(terminal.file.check(good)).toBe('clear');
  terminal.stop.abort();
});

test('an approval is counted beside a list that comes in force meanwhile, in memory and on the medium', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [bad], head: { issuedAt: Math.floor(Date.now() / 1_000) + 5 } });
  await settled(terminal, 1);
  // The head is no younger than the state, so that what was approved goes on counting.
  terminal.take(2, { cards: [bad, worse] });
  for (let sale = 0; versionOf(terminal) !== 2 && sale < 40; sale += 1) await terminal.file.approvedOffline(1_000);
  await settled(terminal, 2);
  const { amountLeftMinor } = terminal.file.allowance();
  expect(amountLeftMinor).toBeLessThan(500_000);
  terminal.stop.abort();
  const again = await open(terminal.files.afterPowerLoss(false));
  expect(again.file.allowance().amountLeftMinor).toBe(amountLeftMinor);
  expect(answers(again)).toEqual(['clear', 'listed', 'listed']);
  again.stop.abort();
});

test('a list under another key than the one in the terminal lets nothing through, and says so', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [bad], manifest: { keyCheck: Uint8Array.of(1, 2, 3) } });
  await settled(terminal, 1);
  expect(answers(terminal)).toEqual(['unknown-key', 'unknown-key', 'unknown-key']);
  expect(terminal.file.allowance()).toEqual(nothing);
  terminal.take(2, { cards: [bad], manifest: { epoch: 2 }, head: { epoch: 2 } });
  await settled(terminal, 2);
  expect(answers(terminal)).toEqual(['clear', 'listed', 'clear']);
  terminal.stop.abort();
});

test('a torn download goes on after what was proven, and the list is in force', async () => {
  const whole = { cards: [bad], more: 12_000 };
  lists.publish(1, whole);
  const size = [...server.negativeParts].findLast(([name]) => name.endsWith('.nfs'))?.[1].length ?? 0;
  // Every byte of it, without sockets: unit/negative/arrival.test.ts.
  for (const cut of [10, 9_000, 20_000, size - 1]) {
    let torn = false;
    server.onArtefact = (bytes, request, response) => {
      if (torn || !request.url?.endsWith('.nfs')) return false;
      torn = true;
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, cut), () => response.destroy());
      return true;
    };
    const terminal = await open();
    server.artefactRequests.length = 0;
    terminal.take(1, whole);
    await settled(terminal, 1);
    expect(answers(terminal)).toEqual(['clear', 'listed', 'clear']);
    const ranges = server.artefactRequests.filter(({ name }) => name.endsWith('.nfs')).map(({ range }) => range);
    expect(ranges).toHaveLength(2);
    if (cut > 16_384) expect(ranges[1]).toMatch(/^bytes=\d{4,}-$/);
    terminal.stop.abort();
  }
});

test('bytes that are not the signed ones end the download at their step, and are never in force', async () => {
  let served = 0;
  server.onArtefact = (bytes, request, response) => {
    if (!request.url?.endsWith('.nfs') || served++ > 0) return false;
    response.writeHead(200).end(bytes.with(30_000, (bytes[30_000] ?? 0) ^ 1));
    return true;
  };
  const terminal = await open();
  terminal.take(1, { cards: [bad], more: 12_001 });
  await until(() => logged('"field":"step"'), 'the refusal');
  expect(terminal.file.check(good)).toBe('stale');
  // The right bytes come with a later try, from the step that failed.
  await settled(terminal, 1);
  expect(server.artefactRequests.at(-1)?.range).toMatch(/^bytes=2\d{4}-$/);
  terminal.stop.abort();
});

test('a list that does not fit beside the one in force is refused before it is fetched', async () => {
  const terminal = await open(undefined, 2_000);
  terminal.take(1, { cards: [bad], more: 1_000 });
  await until(() => logged('NEGATIVE_TOO_LARGE'), 'the refusal');
  expect(server.artefactRequests).toHaveLength(1);
  expect(terminal.file.report()).toEqual([]);
  terminal.stop.abort();
});

test('rot in flash is found at the next start or by scrubbing, and mended with the bytes of its step alone', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [bad], more: 20_000 });
  await settled(terminal, 1);
  terminal.stop.abort();
  const name = 'negative-A.nfs';
  for (const at of [33, 500, 12_345, 50_000]) {
    const files = terminal.files.afterPowerLoss(true);
    const bytes = (await files.read(name)) ?? new Uint8Array();
    await files.write(name, bytes.with(at, (bytes[at] ?? 0) ^ 0x10));
    const rotten = await open(files);
    expect(answers(rotten)).toEqual(['stale', 'stale', 'stale']);
    server.artefactRequests.length = 0;
    const fetched = await rotten.file.scrub();
    expect(answers(rotten)).toEqual(['clear', 'listed', 'clear']);
    expect(fetched).toBeLessThan(16_384);
    rotten.stop.abort();
  }
});

test('every bit of a small list that rots is noticed before a look-up says clear', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [bad], more: 30 });
  await settled(terminal, 1);
  terminal.stop.abort();
  const name = 'negative-A.nfs';
  const bytes = (await terminal.files.read(name)) ?? new Uint8Array();
  const opened = unwrap(openContainer(bytes));
  const manifest = lists.manifestOf(1, { root: containerRoot(opened), size: bytes.length, count: opened.count });
  expect(holdContainer(bytes, manifest).ok).toBe(true);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const rotten = bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
    if (holdContainer(rotten, manifest).ok) throw new Error(`bit ${bit} is not noticed`);
  }
  // The terminal as a whole, now and then.
  for (let bit = 0; bit < bytes.length * 8; bit += 97) {
    const files = terminal.files.afterPowerLoss(true);
    await files.write(name, bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))));
    const rotten = await open(files);
    expect(rotten.file.check(good), `bit ${bit}`).not.toBe('clear');
    rotten.stop.abort();
  }
});

test('whichever write the power fails at, the next boot has the old list or the new one, whole', async () => {
  const first = await open();
  first.take(1, { cards: [bad], more: 200 });
  await settled(first, 1);
  first.stop.abort();
  const base = first.files.afterPowerLoss(true);
  let isDone = false;
  for (let failAt = 1; !isDone; failAt += 1) {
    const files = base.afterPowerLoss(true, failAt);
    const terminal = await open(files);
    terminal.take(2, { cards: [bad, worse], more: 200 });
    await terminal.file.idle();
    terminal.stop.abort();
    isDone = files.changes < failAt;
    for (const keepUnsynced of [false, true]) {
      const after = await open(files.afterPowerLoss(keepUnsynced));
      const version = versionOf(after);
      expect([1, 2], `change ${failAt}`).toContain(version);
      expect(answers(after), `change ${failAt}`).toEqual(['clear', 'listed', version === 2 ? 'listed' : 'clear']);
      after.stop.abort();
    }
    expect(failAt).toBeLessThan(30);
  }
});

test('whichever write the power fails at before the first list is in force, the next boot approves nothing, or has that list whole', async () => {
  const enrolled = (await open()).files.afterPowerLoss(true);
  let isDone = false;
  for (let failAt = 1; !isDone; failAt += 1) {
    const files = enrolled.afterPowerLoss(true, failAt);
    const terminal = await open(files);
    terminal.take(1, { cards: [bad], more: 200, seq: 1, overlay: [worse] });
    await terminal.file.idle();
    terminal.stop.abort();
    isDone = files.changes < failAt;
    for (const keepUnsynced of [false, true]) {
      const after = await open(files.afterPowerLoss(keepUnsynced));
      const isThere = versionOf(after) === 1;
      expect(after.file.allowance().freshness, `change ${failAt}`).toBe(isThere ? 'fresh' : 'hard');
      expect(after.file.check(good), `change ${failAt}`).toBe(isThere ? 'clear' : 'stale');
      expect(after.file.check(bad), `change ${failAt}`).toBe(isThere ? 'listed' : 'stale');
      expect(after.file.check(worse), `change ${failAt}`).not.toBe('clear');
      after.stop.abort();
    }
    expect(failAt).toBeLessThan(30);
  }
});

test('an exact list is asked beside the regular one once the root names it: until it is here nothing is clear, and each list stands by itself', async () => {
  const terminal = await open();
  terminal.take(1, { cards: [bad] });
  await settled(terminal, 1);
  expect(answers(terminal)).toEqual(['clear', 'listed', 'clear']);
  const house = lists.houseCards();
  server.negativeParts.set(negativeNames.authority(2), house.root);
  const head = house.publish(1, [worse]);
  // Its head may come before the root that names it.
  terminal.file.take('house-cards', head);
  expect(terminal.file.check(worse)).toBe('clear');
  server.onArtefact = (_, request, response) => {
    if (!request.url?.endsWith('.nfs')) return false;
    response.writeHead(500).end();
    return true;
  };
  terminal.take(1, { cards: [bad], head: { rootVersion: 2, issuedAt: Math.floor(Date.now() / 1_000) + 1 } });
  await until(() => terminal.file.check(good) === 'stale', 'the list that is not here yet');
  expect(terminal.file.allowance()).toEqual(nothing);
  expect(terminal.file.isWhole()).toBe(false);
  server.onArtefact = undefined;
  terminal.file.wake();
  await settled(terminal, 1, 'house-cards');
  expect(answers(terminal)).toEqual(['clear', 'listed', 'listed']);
  expect(terminal.file.isWhole()).toBe(true);
  expect(terminal.file.allowance().freshness).toBe('fresh');
  terminal.stop.abort();
  const again = await open(terminal.files.afterPowerLoss(false));
  expect(answers(again)).toEqual(['clear', 'listed', 'listed']);
  // The way back to a card's place is not free: a list could be walked with it.
  lists.placesLeft = 0;
  expect(again.file.check(good)).toBe('stale');
  lists.placesLeft = Number.POSITIVE_INFINITY;
  // The next version comes as a delta, and what rots is mended as in any list.
  server.artefactRequests.length = 0;
  again.file.take('house-cards', house.publish(2, [worse, good]));
  await settled(again, 2, 'house-cards');
  expect(answers(again)).toEqual(['listed', 'listed', 'listed']);
  expect(server.artefactRequests.some(({ name }) => name.endsWith('.nfd'))).toBe(true);
  again.stop.abort();
  const files = again.files.afterPowerLoss(true);
  const name = 'negative-list-house-cards-B.nfs';
  const bytes = (await files.read(name)) ?? new Uint8Array();
  await files.write(name, bytes.with(bytes.length - 6, (bytes.at(-6) ?? 0) ^ 0x10));
  const rotten = await open(files);
  expect(rotten.file.check(bad)).toBe('listed');
  expect(rotten.file.check(good)).not.toBe('clear');
  await rotten.file.scrub();
  expect(answers(rotten)).toEqual(['listed', 'listed', 'listed']);
  rotten.stop.abort();
  // A list whose record cannot be read is not here, and nobody is cleared without it.
  const unread = rotten.files.afterPowerLoss(true);
  await unread.write('negative-trust-list-house-cards.sealed', Buffer.from('TSS1 that nobody sealed'));
  const without = await open(unread);
  expect(without.file.explain(good).answer).toBe('stale');
  expect(without.file.allowance()).toEqual(nothing);
  expect(without.file.isWhole()).toBe(false);
  without.stop.abort();
  server.negativeParts.delete(negativeNames.authority(2));
});

test('lists share the flash of the model: one that leaves no room for another is refused, and nothing is clear without it', async () => {
  const terminal = await open(undefined, 3_000);
  terminal.take(1, { cards: [bad], more: 300 });
  await settled(terminal, 1);
  const house = lists.houseCards();
  server.negativeParts.set(negativeNames.authority(2), house.root);
  terminal.file.take('house-cards', house.publish(1, [worse], 900));
  terminal.take(1, {
    cards: [bad],
    more: 300,
    head: { rootVersion: 2, issuedAt: Math.floor(Date.now() / 1_000) + 1 },
  });
  await until(() => logged('NEGATIVE_TOO_LARGE'), 'the refusal');
  expect(terminal.file.check(good)).toBe('stale');
  expect(terminal.file.check(bad)).toBe('listed');
  terminal.stop.abort();
  server.negativeParts.delete(negativeNames.authority(2));
});

test('ten children of one parent cost the line to the server each part of a list once, and believe nothing of it unchecked', async () => {
  const children = Array.from({ length: 10 }, (_, at) => serialSchema.parse(`JET-HANDY-${100 + at}`));
  const medium = new MemoryFiles();
  const openCache = async (on: MemoryFiles) =>
    openArtefactCache(world, await openChunkStore(on, 16), await openNamedParts(on));
  const cache = await openCache(medium);
  const asked: string[] = [];
  let spoil = (_: string, bytes: Uint8Array): Uint8Array => bytes;
  cache.setNamed(async (name) => {
    asked.push(name);
    const bytes = server.negativeParts.get(name);
    return bytes && (await Promise.resolve(spoil(name, bytes)));
  });
  const endpoints = { host: '127.0.0.1', acquiring: 1, ...server.ports };
  const direct = directNetwork(endpoints, world.timers);
  const relay = unwrap(await openRelay({ world, host: '127.0.0.1', port: 0, children, network: direct, cache }));
  const place = { host: '127.0.0.1', port: relay.port, serial: serialSchema.parse('CT5100-0001') };
  const sources = children.map((serial) => parentLists(place, serial, world.timers, sharedLine()));
  // The one enrolment comes first, so that this test also runs by itself.
  (await open()).stop.abort();
  const terminals = await Promise.all(sources.map((source) => open(undefined, undefined, true, source)));
  const first = lists.publish(1, { cards: [bad], more: 3_000 });
  for (const { file } of terminals) file.take('regular', first);
  for (const terminal of terminals) await settled(terminal, 1);
  expect(asked.map((name) => name.replace(/^.*\./, '')).sort()).toEqual(['nfs', 'steps']);
  const second = lists.publish(2, { cards: [bad, worse], more: 3_000 });
  for (const { file } of terminals) file.take('regular', second);
  for (const terminal of terminals) await settled(terminal, 2);
  expect(asked.filter((name) => name.endsWith('.nfd'))).toHaveLength(1);
  // The server itself was asked for manifests only.
  expect(server.artefactRequests.filter(({ name }) => /\.(nfs|nfd|steps)$/.test(name))).toEqual([]);
  // After a power loss of the parent what it has is there by name, without its server.
  const again = await openCache(medium.afterPowerLoss(false));
  for (const name of asked) {
    const bytes = await again.named(name);
    expect(bytes && Buffer.from(bytes).equals(server.negativeParts.get(name) ?? Buffer.of(1)), name).toBe(true);
  }
  again.close();
  // A parent that lies costs time, not truth: what he spoils comes from the server.
  spoil = (_, bytes) => bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 1);
  const third = lists.publish(3, { cards: [worse], more: 3_000 });
  for (const { file } of terminals) file.take('regular', third);
  for (const terminal of terminals) await settled(terminal, 3);
  expect(terminals.map(answers)).toEqual(terminals.map(() => ['clear', 'clear', 'listed']));
  expect(server.artefactRequests.some(({ name }) => name.endsWith('.nfd'))).toBe(true);
  for (const { stop } of terminals) stop.abort();
  for (const source of sources) source.close();
  cache.close();
  await relay.close();
});
