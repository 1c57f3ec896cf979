import { createHash } from 'node:crypto';
import { concat, fail, ok, type Result } from '../../kit/index.ts';
import type { Container } from './container.ts';

/** A Merkle tree over the parts of a container, of the shape of RFC 9162, 2.1: SHA-256, leaves and nodes told apart by their first byte. */
const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

/** The hash of a leaf. */
export const leafHash = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from(createHash('sha256').update(leafPrefix).update(bytes).digest());
const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  Uint8Array.from(createHash('sha256').update(nodePrefix).update(left).update(right).digest());

/** Leaves before the segments: header with partitions, index, ranges and exceptions. */
export const headLeaves = 3;
/** Leaves of one step of a download: about 13 kB. */
export const stepLeaves = 16;

/** All leaves of a container: its three head parts, then its segments. The trailer only repeats the length. */
export function leavesOf(container: Container): Uint8Array[] {
  const leaf = ({ start, end }: { start: number; end: number }) => leafHash(container.bytes.subarray(start, end));
  return [
    ...container.parts.map(leaf),
    ...Array.from({ length: container.segments }, (_, segment) => leaf(container.span(segment))),
  ];
}

/** The root over leaves, or over all nodes of one level (each over a power of two of leaves, the last over what is left). */
export function rootOf(nodes: readonly Uint8Array[]): Uint8Array {
  let level = [...nodes];
  if (level.length === 0) throw new Error('a tree has a leaf');
  while (level.length > 1) level = parentsOf(level);
  return level[0] ?? new Uint8Array(32);
}

function parentsOf(level: readonly Uint8Array[]): Uint8Array[] {
  const parents: Uint8Array[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const left = level[at];
    const right = level[at + 1];
    if (left) parents.push(right ? nodeHash(left, right) : left);
  }
  return parents;
}

/** The root of a container: what a manifest signs. */
export const containerRoot = (container: Container): Uint8Array => rootOf(leavesOf(container));

/** The nodes over each step of 16 leaves, one after the other: what a download is checked with, step by step. */
export const stepNodes = (leaves: readonly Uint8Array[]): Uint8Array =>
  concat(
    ...Array.from({ length: Math.ceil(leaves.length / stepLeaves) }, (_, step) =>
      rootOf(leaves.slice(step * stepLeaves, (step + 1) * stepLeaves)),
    ),
  );

/** Reads step nodes and checks them against the root. */
export function readStepNodes(bytes: Uint8Array, root: Uint8Array): Result<Uint8Array[], 'NEGATIVE_FILE_INVALID'> {
  const nodes = Array.from({ length: Math.floor(bytes.length / 32) }, (_, at) => bytes.subarray(at * 32, at * 32 + 32));
  const isWhole = nodes.length > 0 && nodes.length * 32 === bytes.length && sameBytes(rootOf(nodes), root);
  return isWhole ? ok(nodes) : fail('NEGATIVE_FILE_INVALID', { field: 'steps' });
}

/** What leads from a leaf up to the root (RFC 9162, 2.1.3.1). */
export function pathOf(leaves: readonly Uint8Array[], leaf: number): Uint8Array[] {
  const path: Uint8Array[] = [];
  let level: readonly Uint8Array[] = leaves;
  for (let at = leaf; level.length > 1; at >>= 1) {
    const sibling = level[at ^ 1];
    if (sibling) path.push(sibling);
    level = parentsOf(level);
  }
  return path;
}

/** The root that a leaf and its path lead to; undefined when the path has another length than the tree asks for. */
export function rootFrom(
  leaf: Uint8Array,
  at: number,
  count: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  let node = leaf;
  let used = 0;
  let position = at;
  for (let width = count; width > 1; width = Math.ceil(width / 2)) {
    const hasSibling = (position ^ 1) < width;
    const sibling = path[used];
    if (hasSibling) {
      if (!sibling) return undefined;
      node = position % 2 === 0 ? nodeHash(node, sibling) : nodeHash(sibling, node);
      used += 1;
    }
    position >>= 1;
  }
  return used === path.length && at < count ? node : undefined;
}

/** Whether two digests are the same; they are public. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);
