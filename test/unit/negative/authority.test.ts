import { unwrap } from '@tsunagu/protocols/kit';
import {
  acceptHead,
  acceptOverlay,
  acceptRoot,
  applyManifest,
  checkLetGo,
  checkManifest,
  countOffline,
  decodeSigned,
  encodeRoot,
  encodeSigned,
  freshnessOf,
  initialTrust,
  isEqualToHead,
  openFirstRoot,
  type SignedBytes,
  type TrustState,
} from '@tsunagu/protocols/negative/authority';
import { entryOf, hashSet, type NegativeSet, nothingBeside, tagOf } from '@tsunagu/protocols/negative';
import { expect, test } from 'vitest';
import { authority, signed, signer } from '../../negative/signers.ts';

const now = 1_800_000_000;
const day = 86_400;
const { keys, root, rootOf, publish } = authority(now);
type Published = ReturnType<typeof publish>;
const refused = (code: string) => ({ ok: false, fault: { code } });
const factory = () => initialTrust('regular', unwrap(openFirstRoot(root)));

/** Takes a whole version: head, overlay, manifest, container. */
function take(state: TrustState, { head, overlay, manifest }: Published, at = now): TrustState {
  const headed = unwrap(acceptHead(state, head, at));
  const overlaid = unwrap(acceptOverlay(headed, overlay, at));
  return applyManifest(overlaid, unwrap(checkManifest(overlaid, manifest, at)), overlaid.overlay);
}
const started = () => take(factory(), publish(5, 3, { tags: [11, 12] }));

test('a version is taken head first, then its overlay, then its list, and is fresh then', () => {
  const state = started();
  expect(isEqualToHead(state)).toBe(true);
  expect(freshnessOf(state, now)).toBe('fresh');
  expect([...state.overlay].map(tagOf)).toEqual([11, 12]);
});

test('a document is read back as it was, wherever it is cut it is refused, and head and overlay fit one packet', () => {
  const { head, overlay, manifest } = publish(5, 3, {
    tags: Array.from({ length: 100 }, (_, at) => at * 1_000_000_007),
  });
  for (const document of [root, head, overlay, manifest]) {
    const bytes = encodeSigned(document);
    expect(unwrap(decodeSigned(bytes)).document).toEqual(document);
    for (let length = 0; length < bytes.length; length += 1)
      expect(decodeSigned(bytes.subarray(0, length)).ok).toBe(false);
  }
  expect(encodeSigned(manifest).length).toBeLessThanOrEqual(176);
  expect(encodeSigned(head).length).toBeLessThanOrEqual(200);
});

test('rollback: of head, overlay, list and root, each by itself', () => {
  const state = started();
  for (const old of [publish(4, 3), publish(5, 2), publish(6, 2)])
    expect(acceptHead(state, old.head, now)).toMatchObject(refused('NEGATIVE_ROLLED_BACK'));
  expect(acceptHead(state, publish(5, 3, { tags: [11, 12], head: { issuedAt: now - 1 } }).head, now)).toMatchObject(
    refused('NEGATIVE_ROLLED_BACK'),
  );
  // A new head with an old overlay or an old list beside it.
  const headed = unwrap(acceptHead(state, publish(6, 4, { tags: [11] }).head, now));
  expect(acceptOverlay(headed, publish(5, 3, { tags: [11, 12] }).overlay, now)).toMatchObject(
    refused('NEGATIVE_MIXED'),
  );
  expect(checkManifest(headed, publish(5, 3).manifest, now)).toMatchObject(refused('NEGATIVE_MIXED'));
  for (const version of [0, 1]) {
    const old = signed('root', encodeRoot(rootOf({ version })), keys.roots[0], keys.roots[1]);
    expect(acceptRoot(state, old, now)).toMatchObject(refused('NEGATIVE_ROLLED_BACK'));
  }
  expect(acceptHead(state, publish(6, 4, { head: { rootVersion: 0 } }).head, now)).toMatchObject(
    refused('NEGATIVE_ROLLED_BACK'),
  );
});

test('freeze: expired head, list, root and keys, and what is here goes stale by itself', () => {
  const state = started();
  expect(acceptHead(state, publish(6, 4, { head: { notAfter: now - 1 } }).head, now)).toMatchObject(
    refused('NEGATIVE_EXPIRED'),
  );
  expect(acceptHead(state, publish(6, 4, { head: { notAfter: now + 30 * day } }).head, now)).toMatchObject(
    refused('NEGATIVE_EXPIRED'),
  );
  const expired = publish(6, 4, { manifest: { notAfter: now - 1 } });
  expect(checkManifest(unwrap(acceptHead(state, expired.head, now)), expired.manifest, now)).toMatchObject(
    refused('NEGATIVE_EXPIRED'),
  );
  const next = signed('root', encodeRoot(rootOf({ version: 2, notAfter: now - 1 })), keys.roots[0], keys.roots[1]);
  expect(acceptRoot(state, next, now)).toMatchObject(refused('NEGATIVE_EXPIRED'));
  const lateRoot = { ...state, root: { ...state.root, notAfter: now - 1 } };
  expect(acceptHead(lateRoot, publish(6, 4).head, now)).toMatchObject(refused('NEGATIVE_EXPIRED'));
  expect(freshnessOf(lateRoot, now)).toBe('hard');
  const brief = signer('head', '', now - 1);
  const briefly = { ...state, root: { ...state.root, keys: [...state.root.keys, brief.key] } };
  expect(acceptHead(briefly, publish(6, 4, { headSigner: brief }).head, now)).toMatchObject(
    refused('SIGNATURE_INVALID'),
  );
  expect([now, now + day, now + day + 1, now + 3 * day, now + 3 * day + 1].map((at) => freshnessOf(state, at))).toEqual(
    ['fresh', 'fresh', 'soft', 'soft', 'hard'],
  );
  expect(freshnessOf({ ...state, freshAt: now + 7 * day }, now + 7 * day + 1)).toBe('hard');
});

test('a key of any role signs nothing once it has ended, and a clock below signed time revives none', () => {
  const state = started();
  const [list, emergency, root] = [
    signer('list', 'regular', now - 1),
    signer('emergency', 'regular', now - 1),
    signer('root', '', now - 1),
  ];
  const named = { ...state, root: { ...state.root, keys: [...state.root.keys, list.key, emergency.key, root.key] } };
  for (const at of [now, 0, now - 10 * day]) {
    const late = publish(6, 4, { listSigners: [list], emergencySigner: emergency });
    const headed = unwrap(acceptHead(named, late.head, at));
    expect(acceptOverlay(headed, late.overlay, at)).toMatchObject(refused('SIGNATURE_INVALID'));
    expect(checkManifest(headed, late.manifest, at)).toMatchObject(refused('SIGNATURE_INVALID'));
  }
});

test('an update has one least moment from its head on: a clock that is set back in its midst makes nothing valid again', () => {
  const state = started();
  const issuedAt = now + 2 * day;
  const next = publish(6, 4, {
    head: { issuedAt, notAfter: issuedAt + day },
    manifest: { notAfter: issuedAt - 1 },
  });
  const headed = unwrap(acceptHead(state, next.head, issuedAt));
  for (const at of [issuedAt, now, 0])
    expect(checkManifest(headed, next.manifest, at)).toMatchObject(refused('NEGATIVE_EXPIRED'));
  const old = publish(7, 4, { head: { issuedAt: issuedAt + 1, notAfter: issuedAt - 1 } });
  for (const at of [issuedAt, now, 0])
    expect(acceptHead(headed, old.head, at)).toMatchObject(refused('NEGATIVE_EXPIRED'));
  const root = signed('root', encodeRoot(rootOf({ version: 2, notAfter: issuedAt - 1 })), keys.roots[0], keys.roots[1]);
  for (const at of [issuedAt, now, 0]) expect(acceptRoot(headed, root, at)).toMatchObject(refused('NEGATIVE_EXPIRED'));
});

test('heads that come while data is withheld make nothing fresh', () => {
  const state = started();
  const later = publish(6, 3, { tags: [11, 12], head: { issuedAt: now + 2 * day, notAfter: now + 3 * day } });
  const headed = unwrap(acceptHead(state, later.head, now + 2 * day));
  expect(headed.freshAt).toBe(now);
  expect(freshnessOf(headed, now + 3 * day + 1)).toBe('hard');
});

test('mix and match: head, overlay, list and names that do not belong together', () => {
  const state = started();
  const [one, two] = [publish(6, 4, { tags: [11, 12, 13] }), publish(7, 5, { tags: [14] })];
  const headed = unwrap(acceptHead(state, one.head, now));
  expect(acceptOverlay(headed, two.overlay, now)).toMatchObject(refused('NEGATIVE_MIXED'));
  expect(checkManifest(headed, two.manifest, now)).toMatchObject(refused('NEGATIVE_MIXED'));
  // Another manifest or overlay under numbers that were taken already.
  const others = publish(6, 4, { tags: [15], manifest: { count: 101 } });
  expect(acceptHead(headed, others.head, now)).toMatchObject(refused('NEGATIVE_MIXED'));
  expect(acceptHead(headed, publish(6, 4, { tags: [15] }).head, now)).toMatchObject(refused('NEGATIVE_MIXED'));
  expect(acceptHead(state, publish(6, 4, { head: { list: 'house-cards' } }).head, now)).toMatchObject(
    refused('NEGATIVE_MIXED'),
  );
});

test('every role can do its own work only, and a wrong type of document is none', () => {
  const state = started();
  const next = publish(6, 4);
  for (const wrong of [keys.list, keys.emergency, keys.roots[0], signer('head')])
    expect(acceptHead(state, publish(6, 4, { headSigner: wrong }).head, now)).toMatchObject(
      refused('SIGNATURE_INVALID'),
    );
  for (const wrong of [keys.head, keys.list, keys.roots[0], signer('emergency')]) {
    const bad = publish(6, 4, { emergencySigner: wrong });
    expect(acceptOverlay(unwrap(acceptHead(state, bad.head, now)), bad.overlay, now)).toMatchObject(
      refused('SIGNATURE_INVALID'),
    );
  }
  for (const wrong of [keys.head, keys.emergency, keys.otherIssuer, keys.roots[0], signer('list', 'regular')]) {
    const bad = publish(6, 4, { listSigners: [wrong] });
    expect(checkManifest(unwrap(acceptHead(state, bad.head, now)), bad.manifest, now)).toMatchObject(
      refused('SIGNATURE_INVALID'),
    );
  }
  for (const document of [next.manifest, next.overlay, root])
    expect(acceptHead(state, document, now)).toMatchObject(refused('NEGATIVE_DOCUMENT_INVALID'));
  for (const document of [next.head, next.overlay, root])
    expect(checkManifest(state, document, now)).toMatchObject(refused('NEGATIVE_DOCUMENT_INVALID'));
  // A signature for one purpose is none for another, even over the same bytes.
  expect(acceptHead(state, signed('manifest', next.head.payload, keys.head), now)).toMatchObject(
    refused('SIGNATURE_INVALID'),
  );
  const flipped: SignedBytes = { ...next.head, payload: next.head.payload.with(20, (next.head.payload[20] ?? 0) ^ 1) };
  expect(acceptHead(state, flipped, now).ok).toBe(false);
});

test('a threshold counts different keys: one key twice, or one signature twice, is one', () => {
  const state = started();
  const payload = encodeRoot(rootOf({ version: 2 }));
  const [first, second, third] = keys.roots;
  for (const signers of [[], [first], [first, first], [first, keys.list], [first, signer('root')]])
    expect(acceptRoot(state, signed('root', payload, ...signers), now)).toMatchObject(refused('SIGNATURE_INVALID'));
  expect(unwrap(acceptRoot(state, signed('root', payload, first, third), now)).root.version).toBe(2);
  // New root keys must sign as well as the old ones.
  const replaced = [signer('root'), signer('root')] as const;
  const fresh = encodeRoot(rootOf({ version: 2, keys: [...replaced.map(({ key }) => key), keys.head.key] }));
  expect(acceptRoot(state, signed('root', fresh, first, second), now)).toMatchObject(refused('SIGNATURE_INVALID'));
  expect(acceptRoot(state, signed('root', fresh, ...replaced), now)).toMatchObject(refused('SIGNATURE_INVALID'));
  expect(acceptRoot(state, signed('root', fresh, first, second, ...replaced), now).ok).toBe(true);
  expect(openFirstRoot(signed('root', encodeRoot(rootOf({ threshold: 0 }))))).toMatchObject(
    refused('SIGNATURE_INVALID'),
  );
});

test('a key that ran versions ahead is replaced, and the fleet goes on from lower numbers', () => {
  let state = started();
  state = unwrap(acceptHead(state, publish(4_000_000_000, 4_000_000_000).head, now));
  expect(acceptHead(state, publish(6, 4).head, now)).toMatchObject(refused('NEGATIVE_ROLLED_BACK'));
  const head = signer('head');
  const rotated = rootOf({ version: 2, keys: [...rootOf().keys.filter(({ role }) => role !== 'head'), head.key] });
  state = unwrap(acceptRoot(state, signed('root', encodeRoot(rotated), keys.roots[1], keys.roots[2]), now));
  expect(acceptHead(state, publish(7, 5).head, now)).toMatchObject(refused('SIGNATURE_INVALID'));
  const recovered = publish(6, 4, { headSigner: head, head: { rootVersion: 2 } });
  expect(unwrap(acceptHead(state, recovered.head, now)).head?.version).toBe(6);
  // No moment of the replaced key is kept from which removals would wear off.
  const ahead = { ...started(), timeFloor: now + 99 * day, letGo: { cards: 5, at: now + 99 * day } };
  expect(
    unwrap(acceptRoot(ahead, signed('root', encodeRoot(rotated), keys.roots[1], keys.roots[2]), now)).letGo,
  ).toEqual({ cards: 5, at: now });
  // The list in force is still a floor: recovery is no way to an older list.
  expect(acceptHead(state, publish(4, 4, { headSigner: head, head: { rootVersion: 2 } }).head, now)).toMatchObject(
    refused('NEGATIVE_ROLLED_BACK'),
  );
});

test('a list key and an emergency key that ran ahead are replaced too: their numbers are no floor any more', () => {
  const far = publish(4_000_000_000, 4_000_000_000, { tags: [11, 12] });
  const state = take(factory(), far);
  const [list, emergency] = [signer('list', 'regular'), signer('emergency', 'regular')];
  const others = rootOf().keys.filter(({ id }) => id !== keys.list.key.id && id !== keys.emergency.key.id);
  const rotated = rootOf({ version: 2, keys: [...others, list.key, emergency.key] });
  const next = unwrap(acceptRoot(state, signed('root', encodeRoot(rotated), keys.roots[0], keys.roots[1]), now));
  // What is in force goes on counting, and is equal to nothing.
  expect([next.applied?.count, next.overlay.length, isEqualToHead(next)]).toEqual([100, 2, false]);
  const recovered = publish(6, 4, {
    tags: [13],
    listSigners: [list],
    emergencySigner: emergency,
    head: { rootVersion: 2 },
  });
  const taken = take(next, recovered);
  expect([taken.applied?.version, taken.overlaySeq, isEqualToHead(taken)]).toEqual([6, 4, true]);
  // The emergency key alone: what it said is of no head until the next one says so, and makes nothing fresh.
  const only = rootOf({
    version: 2,
    keys: [...rootOf().keys.filter(({ id }) => id !== keys.emergency.key.id), emergency.key],
  });
  const moved = unwrap(acceptRoot(state, signed('root', encodeRoot(only), keys.roots[0], keys.roots[1]), now));
  expect([isEqualToHead(state), isEqualToHead(moved)]).toEqual([true, false]);
  // The keys before say nothing any more.
  const before = publish(7, 5, { head: { rootVersion: 2 } });
  const headed = unwrap(acceptHead(taken, before.head, now));
  expect(acceptOverlay(headed, before.overlay, now)).toMatchObject(refused('SIGNATURE_INVALID'));
  expect(checkManifest(headed, before.manifest, now)).toMatchObject(refused('SIGNATURE_INVALID'));
});

test('a list that shrinks by more than a twentieth needs a second key', () => {
  const state = started();
  const publishOf = (count: number, ...listSigners: (typeof keys.list)[]) =>
    publish(6, 3, { tags: [11, 12], manifest: { count }, listSigners });
  const check = (published: Published) =>
    checkManifest(unwrap(acceptHead(state, published.head, now)), published.manifest, now);
  expect(check(publishOf(95, keys.list)).ok).toBe(true);
  for (const count of [94, 10, 0]) {
    expect(check(publishOf(count, keys.list))).toMatchObject(refused('NEGATIVE_SHRINKS'));
    expect(check(publishOf(count, keys.list, keys.list))).toMatchObject(refused('NEGATIVE_SHRINKS'));
    expect(check(publishOf(count, keys.list, keys.otherIssuer))).toMatchObject(refused('NEGATIVE_SHRINKS'));
    expect(check(publishOf(count, keys.list, keys.second)).ok).toBe(true);
  }
});

/** A list of so many cards, the first of them number `from`. */
const cardsFrom = (from: number, count: number, hashBits = 30): NegativeSet =>
  hashSet(
    hashBits,
    Float64Array.from({ length: count }, (_, at) => entryOf(from + at, 1)),
  );
/** What one key, or as many as it says, let go when the one list follows the other, at a terminal that took the one just then. */
const letGoOf = (
  base: NegativeSet | undefined,
  next: NegativeSet,
  signers = 1,
  at = now,
  letGo = { cards: 0, at: now },
) => checkLetGo({ ...started(), letGo }, { signers }, base, next, at);

test('a list that is exchanged needs a second key, whatever comes for what goes', () => {
  const base = cardsFrom(0, 1_000);
  expect(unwrap(letGoOf(base, cardsFrom(50, 1_000)))).toEqual({ cards: 50, at: now });
  for (const next of [cardsFrom(51, 1_000), cardsFrom(1_000, 1_000), cardsFrom(51, 900_000), cardsFrom(0, 0)]) {
    expect(letGoOf(base, next)).toMatchObject(refused('NEGATIVE_SHRINKS'));
    expect(unwrap(letGoOf(base, next, 2))).toEqual({ cards: 0, at: now });
  }
  // Another reason is no removal.
  const others = {
    ...base,
    partitions: base.partitions.map((all) => ({ ...all, entries: all.entries.map((e) => e + 1) })),
  };
  expect(unwrap(letGoOf(base, others)).cards).toBe(0);
  // On a handful of cards one may change for another.
  expect(letGoOf(cardsFrom(0, 3), cardsFrom(1, 3)).ok).toBe(true);
  expect(letGoOf(cardsFrom(0, 3), cardsFrom(2, 3))).toMatchObject(refused('NEGATIVE_SHRINKS'));
  // The first list of all has nothing to let go.
  expect(unwrap(letGoOf(undefined, cardsFrom(0, 3)))).toEqual({ cards: 0, at: now });
});

test('many small steps of one key are one large one, and wear off with the days', () => {
  let letGo = { cards: 0, at: now };
  const step = (from: number, by: number, at: number) =>
    letGoOf(cardsFrom(from, 1_000), cardsFrom(from + by, 1_000), 1, at, letGo);
  letGo = unwrap(step(0, 30, now));
  letGo = unwrap(step(30, 20, now + 60));
  expect(step(50, 1, now + 120)).toMatchObject(refused('NEGATIVE_SHRINKS'));
  expect(step(50, 11, now + day)).toMatchObject(refused('NEGATIVE_SHRINKS'));
  expect(step(50, 10, now + day).ok).toBe(true);
  // A clock that goes back gives nothing.
  expect(step(50, 1, now - 30 * day)).toMatchObject(refused('NEGATIVE_SHRINKS'));
  // Who was away for a month gets what went in a month, a half in a hundred a day, at once.
  const away = { cards: 0, at: now };
  expect(letGoOf(cardsFrom(0, 1_000), cardsFrom(150, 1_000), 1, now + 30 * day, away).ok).toBe(true);
  expect(letGoOf(cardsFrom(0, 1_000), cardsFrom(351, 1_000), 1, now + 30 * day, away)).toMatchObject(
    refused('NEGATIVE_SHRINKS'),
  );
});

test('exceptions are cards that are let go, a range runs to its end, and another codec, width or epoch needs two keys', () => {
  const base = cardsFrom(0, 1_000);
  const allowing = (count: number) => ({
    ...base,
    beside: { ...nothingBeside, exceptions: Array.from({ length: count }, (_, at) => at + 1) },
  });
  expect(letGoOf(base, allowing(50)).ok).toBe(true);
  expect(letGoOf(base, allowing(51))).toMatchObject(refused('NEGATIVE_SHRINKS'));
  expect(letGoOf(allowing(51), allowing(51)).ok).toBe(true);
  const ranged = (notAfter: number) => ({
    ...base,
    beside: { ranges: [{ digits: 6, low: 400_000, high: 400_009, notAfter }], exceptions: [] },
  });
  expect(letGoOf(ranged(now + 2 * day), base)).toMatchObject(refused('NEGATIVE_SHRINKS'));
  expect(letGoOf(ranged(now + 2 * day), ranged(now + day + 1))).toMatchObject(refused('NEGATIVE_SHRINKS'));
  expect(letGoOf(ranged(now + 2 * day), base, 2).ok).toBe(true);
  expect(letGoOf(ranged(now + day), base).ok).toBe(true);
  for (const rekeyed of [cardsFrom(0, 1_000, 31), { ...base, codec: 'KP' as const, hashBits: 0 }]) {
    expect(letGoOf(base, rekeyed)).toMatchObject(refused('NEGATIVE_SHRINKS'));
    expect(letGoOf(base, rekeyed, 2).ok).toBe(true);
    expect(letGoOf(cardsFrom(0, 0), rekeyed).ok).toBe(true);
  }
});

test('emergency entries only add up, count on any base, and are capped in a day', () => {
  let state = started();
  // The newer version is not here yet: what counted before goes on counting beside the new entries.
  const next = publish(6, 4, { tags: [20] });
  state = unwrap(acceptOverlay(unwrap(acceptHead(state, next.head, now)), next.overlay, now));
  expect([...state.overlay].map(tagOf)).toEqual([11, 12, 20]);
  const many = publish(6, 5, { tags: Array.from({ length: 120 }, (_, at) => 100 + at) });
  expect(acceptOverlay(unwrap(acceptHead(state, many.head, now)), many.overlay, now)).toMatchObject(
    refused('NEGATIVE_EMERGENCY_CAPPED'),
  );
  const some = publish(6, 5, { tags: Array.from({ length: 90 }, (_, at) => 100 + at) });
  const filled = unwrap(acceptOverlay(unwrap(acceptHead(state, some.head, now)), some.overlay, now));
  const later = publish(6, 6, {
    tags: Array.from({ length: 140 }, (_, at) => 100 + at),
    head: { notAfter: now + 2 * day },
  });
  expect(acceptOverlay(unwrap(acceptHead(filled, later.head, now)), later.overlay, now)).toMatchObject(
    refused('NEGATIVE_EMERGENCY_CAPPED'),
  );
  expect(acceptOverlay(unwrap(acceptHead(filled, later.head, now + day)), later.overlay, now + day).ok).toBe(true);
});

test('clocks: back, forward, dead, 2036 and 2038, zones and leaps, and offline approvals bound a clock that stands', () => {
  const state = started();
  const seen = freshnessOf;
  for (const [at, expected] of [
    [now - 299, 'fresh'],
    [now - 301, 'hard'],
    [0, 'hard'],
    // A zone that is taken for another, either way.
    [now + 14 * 3_600, 'fresh'],
    [now - 14 * 3_600, 'hard'],
    // A leap second: one is told twice.
    [now - 1, 'fresh'],
    [2_085_978_496, 'hard'],
    [2 ** 31, 'hard'],
    [2 ** 32 + 5, 'hard'],
  ] as const)
    expect(seen(state, at)).toBe(expected);
  // The same in the next century's seconds, and over the end of a leap year's February: nothing wraps, a day is a day.
  for (const late of [2 ** 31 + 10, 2 ** 32 + 10, Date.UTC(2028, 1, 28, 12) / 1_000]) {
    const there = authority(late);
    const taken = take(
      initialTrust('regular', {
        ...unwrap(openFirstRoot(there.root)),
        keys: there.rootOf().keys.map((key) => ({ ...key, notAfter: late + day })),
      }),
      there.publish(1, 1),
      late,
    );
    expect([late, late + day, late + day + 1, late + 4 * day, late - 400].map((at) => seen(taken, at))).toEqual([
      'fresh',
      'fresh',
      'soft',
      'hard',
      'hard',
    ]);
  }
  let counted = state;
  for (let sale = 0; sale < 50; sale += 1) {
    expect(freshnessOf(counted, now)).toBe('fresh');
    counted = countOffline(counted, 100);
  }
  expect(freshnessOf(counted, now)).toBe('hard');
  expect(freshnessOf(countOffline(state, 500_000), now)).toBe('hard');
  const again = publish(5, 3, { tags: [11, 12], head: { issuedAt: now + 1 } });
  expect(freshnessOf(unwrap(acceptHead(counted, again.head, now + 1)), now + 1)).toBe('fresh');
});
