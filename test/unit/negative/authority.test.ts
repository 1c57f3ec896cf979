import { unwrap } from '@tsunagu/protocols/kit';
import {
  acceptHead,
  acceptOverlay,
  acceptRoot,
  applyManifest,
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
import { tagOf } from '@tsunagu/protocols/negative';
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
  // The list in force is still a floor: recovery is no way to an older list.
  expect(acceptHead(state, publish(4, 4, { headSigner: head, head: { rootVersion: 2 } }).head, now)).toMatchObject(
    refused('NEGATIVE_ROLLED_BACK'),
  );
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

test('clocks: back, forward, dead, 2036 and 2038, and offline approvals bound a clock that stands', () => {
  const state = started();
  const seen = freshnessOf;
  for (const [at, expected] of [
    [now - 299, 'fresh'],
    [now - 301, 'hard'],
    [0, 'hard'],
    [now + 14 * 3_600, 'fresh'],
    [2_085_978_496, 'hard'],
    [2 ** 31, 'hard'],
    [2 ** 32 + 5, 'hard'],
  ] as const)
    expect(seen(state, at)).toBe(expected);
  // The same in the next century's seconds: nothing wraps.
  for (const late of [2 ** 31 + 10, 2 ** 32 + 10]) {
    const there = authority(late);
    const taken = take(
      initialTrust('regular', {
        ...unwrap(openFirstRoot(there.root)),
        keys: there.rootOf().keys.map((key) => ({ ...key, notAfter: late + day })),
      }),
      there.publish(1, 1),
      late,
    );
    expect([seen(taken, late), seen(taken, late + 4 * day), seen(taken, late - 400)]).toEqual([
      'fresh',
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
