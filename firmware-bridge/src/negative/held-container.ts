import { crc32 } from 'node:zlib';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import {
  type CardProbe,
  type Container,
  containerRoot,
  hashTag,
  headLeaves,
  openContainer,
  sameBytes,
  type Span,
} from '@tsunagu/protocols/negative';
import type { Manifest } from '@tsunagu/protocols/negative/authority';

/**
 * A container in force: its root was compared with the signed one once, and from then on a checksum of each part tells rot
 * before a look-up believes it.
 */
export interface HeldContainer {
  readonly container: Container;
  /** Whether the segment that a card would stand in, and the parts before the segments, are as they were. */
  isSoundFor(probe: CardProbe): boolean;
  /** The parts that are not as they were, by leaf. */
  rotten(): readonly number[];
}

const spanOf = (container: Container, leaf: number): Span => container.parts[leaf] ?? container.span(leaf - headLeaves);

/** Takes a container in hand: opens it and compares its root and size with the manifest's. */
export function holdContainer(bytes: Uint8Array, manifest: Manifest): Result<HeldContainer, 'NEGATIVE_FILE_INVALID'> {
  if (bytes.length !== manifest.size)
    return fail('NEGATIVE_FILE_INVALID', { field: 'size', facts: { size: bytes.length } });
  const opened = openContainer(bytes);
  if (!opened.ok) return opened;
  const container = opened.value;
  if (container.count !== manifest.count || !sameBytes(containerRoot(container), manifest.root))
    return fail('NEGATIVE_FILE_INVALID', { field: 'root' });
  const spans = Array.from({ length: headLeaves + container.segments }, (_, leaf) => spanOf(container, leaf));
  const sumOf = ({ start, end }: Span): number => crc32(bytes.subarray(start, end));
  const sums = Uint32Array.from(spans, sumOf);
  const isSound = (leaf: number): boolean => {
    const span = spans[leaf];
    return span !== undefined && sumOf(span) === sums[leaf];
  };
  return ok({
    container,
    isSoundFor({ mac, permuted }) {
      const segment = permuted
        ? container.segmentOf(permuted.partition, permuted.tag)
        : container.segmentOf(0, hashTag(mac, container.hashBits));
      // The index is not summed at each look-up: where it lies, the span it gives is another than the one that was summed.
      const span = segment < 0 ? undefined : container.span(segment);
      const known = spans[headLeaves + segment];
      return segment < 0
        ? isSound(0)
        : span?.start === known?.start && span?.end === known?.end && isSound(headLeaves + segment);
    },
    rotten: () => [...sums.keys()].filter((leaf) => !isSound(leaf)),
  });
}
