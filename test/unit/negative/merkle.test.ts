import { unwrap } from '@tsunagu/protocols/kit';
import {
  encodeContainer,
  leafHash,
  leavesOf,
  openContainer,
  pathOf,
  readStepNodes,
  rootFrom,
  rootOf,
  sameBytes,
  stepNodes,
} from '@tsunagu/protocols/negative';
import { expect, test } from 'vitest';
import { randomHashes } from '../../negative/lists.ts';

test('every leaf of small trees, and of those around 64 leaves, is led to the root, and to no other', () => {
  for (const count of [...Array.from({ length: 20 }, (_, at) => at + 1), 31, 32, 33, 63, 64, 65]) {
    const leaves = Array.from({ length: count }, (_, leaf) => leafHash(Uint8Array.of(leaf)));
    const root = rootOf(leaves);
    for (let leaf = 0; leaf < count; leaf += 1) {
      const path = pathOf(leaves, leaf);
      const leads = (to: Uint8Array | undefined): boolean => to !== undefined && sameBytes(to, root);
      const [own, other] = [leaf, leaf + 100].map((value) => leafHash(Uint8Array.of(value)));
      if (!own || !other) throw new Error('a leaf has a hash');
      const found = [
        leads(rootFrom(own, leaf, count, path)),
        leads(rootFrom(other, leaf, count, path)),
        rootFrom(own, leaf + count, count, path),
        rootFrom(own, leaf, count, [...path, root]),
      ];
      if (found.join() !== 'true,false,,') throw new Error(`leaf ${leaf} of ${count}: ${found.join()}`);
    }
    expect(unwrap(readStepNodes(stepNodes(leaves), root)).length).toBe(Math.ceil(count / 16));
  }
});

test('the tree is that of RFC 9162: the empty leaf and the first two leaves of its test vectors', () => {
  // Merkle tree hashes of the Certificate Transparency test data (leaves "", 00, 10).
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const leaves = ['', '00', '10'].map((leaf) => leafHash(Buffer.from(leaf, 'hex')));
  expect(hex(rootOf(leaves.slice(0, 1)))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
  expect(hex(rootOf(leaves.slice(0, 2)))).toBe('fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125');
  expect(hex(rootOf(leaves))).toBe('aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77');
});

test('every bit of a container changes its root, except its trailer, which is the length', () => {
  const bytes = encodeContainer(randomHashes(2, 40, 30, 2));
  const root = rootOf(leavesOf(unwrap(openContainer(bytes))));
  for (let bit = 0; bit < (bytes.length - 4) * 8; bit += 1) {
    const other = bytes.slice();
    other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const opened = openContainer(other);
    if (opened.ok && sameBytes(rootOf(leavesOf(opened.value)), root)) throw new Error(`bit ${bit} changes nothing`);
  }
});
