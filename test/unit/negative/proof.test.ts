import { Secret, secretPan, unwrap } from '@tsunagu/protocols/kit';
import {
  containerRoot,
  encodeContainer,
  entryOf,
  hashSet,
  hashTag,
  nothingBeside,
  openContainer,
  overlayBits,
  panMac,
  partitionSize,
  permutationKey,
  type PermutedPan,
  permutePan,
  sortEntries,
} from '@tsunagu/protocols/negative';
import { encodeSigned } from '@tsunagu/protocols/negative/authority';
import { checkProof, encodeClaim, type NegativeProof, proveIn } from '@tsunagu/protocols/negative/proof';
import { expect, test } from 'vitest';
import { randomExact, randomHashes } from '../../negative/lists.ts';
import { authority, signed } from '../../negative/signers.ts';

const now = 1_800_000_000;
const key = Secret.copy('key', new Uint8Array(16).fill(5));
const macOf = (pan: string) => unwrap(panMac(key, secretPan(pan)));
const [listed, urgent, good] = ['4761739001010127', '5413330089020011', '4761739001010010'] as const;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const there = authority(now);

function proofOf(pan: string, ranges = nothingBeside): NegativeProof {
  const [filler] = randomHashes(3, 5_000, 44).partitions;
  const entries = [...(filler?.entries ?? []), entryOf(hashTag(macOf(listed), 44), 1)];
  const bytes = encodeContainer(hashSet(44, sortEntries(Float64Array.from(entries)), ranges));
  const container = unwrap(openContainer(bytes));
  const root = containerRoot(container);
  const { manifest, overlay, head } = there.publish(7, 3, {
    tags: [hashTag(macOf(urgent), overlayBits)],
    manifest: { root, size: bytes.length, count: container.count },
  });
  const claim = encodeClaim({
    serial: 'CT5100-0001',
    at: '2027-01-15T08:00:00.000Z',
    lastFour: pan.slice(-4),
    mac: text(macOf(pan)),
    leadingDigits: pan.slice(0, 6),
    terminal: { version: 7, overlaySeq: 3, saidAt: '2027-01-15T07:00:00.000Z' },
  });
  return {
    format: 'tsunagu-negative-proof-v1',
    claim: text(encodeSigned(signed('claim', claim, there.keys.head))),
    root: text(encodeSigned(there.root)),
    head: text(Uint8Array.from([...encodeSigned(head), ...encodeSigned(overlay)])),
    manifest: text(encodeSigned(manifest)),
    ...proveIn(container, { mac: macOf(pan) }),
  };
}

test('a proof says listed, not listed, listed by the overlay, and by which list', () => {
  expect(unwrap(checkProof(proofOf(listed)))).toMatchObject({
    answer: 'listed',
    by: 'list',
    version: 7,
    overlaySeq: 3,
  });
  expect(unwrap(checkProof(proofOf(urgent)))).toMatchObject({ answer: 'listed', by: 'overlay', reason: 'stolen' });
  expect(unwrap(checkProof(proofOf(good)))).toMatchObject({ answer: 'not-listed', by: 'list' });
  const ranges = { ranges: [{ digits: 6, low: 476_173, high: 476_173, notAfter: 4_000_000_000 }], exceptions: [] };
  expect(unwrap(checkProof(proofOf(good, ranges)))).toMatchObject({ answer: 'range-listed', by: 'range' });
  expect(JSON.stringify(proofOf(listed)).length).toBeLessThan(8_000);
});

test('a proof of an exact list holds with the place of the card, also where nothing of its BIN is listed, and under a root that came by hand', () => {
  const permuting = permutationKey(key);
  const exact = randomExact(4, 600, 12);
  const place = permutePan(permuting, secretPan(listed));
  if (!place) throw new Error('no place');
  const own = {
    id: place.partition,
    size: partitionSize(place.partition),
    entries: Float64Array.of(entryOf(place.tag, 1)),
  };
  const partitions = [...exact.partitions.filter(({ id }) => id !== own.id), own].sort((a, b) => a.id - b.id);
  const bytes = encodeContainer({ ...exact, partitions });
  const container = unwrap(openContainer(bytes));
  const manifest = { root: containerRoot(container), size: bytes.length, count: container.count };
  const proofFor = (pan: string, said: PermutedPan | null = permutePan(permuting, secretPan(pan)) ?? null) => {
    const published = there.publish(7, 3, { manifest });
    const claim = encodeClaim({
      serial: 'CT5100-0001',
      at: '2027-01-15T08:00:00.000Z',
      lastFour: pan.slice(-4),
      mac: text(macOf(pan)),
      ...(said && { place: said }),
      leadingDigits: pan.slice(0, 6),
      terminal: { version: 7, overlaySeq: 3, saidAt: '2027-01-15T07:00:00.000Z' },
    });
    return {
      ...proofOf(pan),
      claim: text(encodeSigned(signed('claim', claim, there.keys.head))),
      head: text(Uint8Array.from([...encodeSigned(published.head), ...encodeSigned(published.overlay)])),
      manifest: text(encodeSigned(published.manifest)),
      ...proveIn(container, { mac: macOf(pan), permuted: said ?? undefined }),
    };
  };
  expect(unwrap(checkProof(proofFor(listed)))).toMatchObject({ answer: 'listed', reason: 'stolen', by: 'list' });
  expect(unwrap(checkProof(proofFor(good)))).toMatchObject({ answer: 'not-listed' });
  expect(unwrap(checkProof(proofFor('9999990000000006')))).toMatchObject({ answer: 'not-listed' });
  expect(checkProof({ ...proofFor(listed), segment: proofFor(good).segment }).ok).toBe(
    proofFor(listed).segment.bytes === proofFor(good).segment.bytes,
  );
  // Without its place, or with one that no exact list has, nothing is proven.
  expect(checkProof(proofFor(listed, null)).ok).toBe(false);
  expect(checkProof(proofFor(listed, { partition: 7_000_000, tag: 1 })).ok).toBe(false);
  expect(checkProof(proofFor(listed), encodeSigned(there.root)).ok).toBe(true);
  expect(checkProof(proofFor(listed), encodeSigned(authority(now).root))).toMatchObject({
    fault: { code: 'NEGATIVE_PROOF_INVALID', field: 'rootKeys' },
  });
});

test('a proof whose parts are of another one, or changed by a bit, proves nothing', () => {
  const [one, two] = [proofOf(listed), proofOf(good)];
  expect(checkProof({ ...one, claim: two.claim }).ok).toBe(false);
  expect(checkProof({ ...one, segment: two.segment }).ok).toBe(false);
  expect(checkProof({ ...one, manifest: proofOf(listed, { ranges: [], exceptions: [9] }).manifest }).ok).toBe(false);
  for (const part of ['claim', 'root', 'head', 'manifest'] as const) {
    const bytes = Buffer.from(one[part], 'base64');
    for (let bit = 0; bit < bytes.length * 8; bit += 37) {
      const other = Uint8Array.from(bytes);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const checked = checkProof({ ...one, [part]: text(other) });
      // A second signature of the root may be spoilt: two of three are enough, and they signed.
      if (checked.ok) expect(checked.value.answer).toBe('listed');
      if (part !== 'root') expect(checked.ok, `${part} ${bit}`).toBe(false);
    }
  }
  for (const part of ['header', 'beside', 'segment'] as const) {
    const { bytes, path } = one[part];
    expect(
      checkProof({ ...one, [part]: { bytes: text(Uint8Array.of(...Buffer.from(bytes, 'base64'), 0)), path } }).ok,
    ).toBe(false);
    expect(checkProof({ ...one, [part]: { bytes, path: path.slice(1) } }).ok).toBe(false);
  }
});
