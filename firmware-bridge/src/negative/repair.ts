import { concat, fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type Container, containerRoot, leafHash, openContainer, rootOf, sameBytes } from '@tsunagu/protocols/negative';
import type { Manifest } from '@tsunagu/protocols/negative/authority';
import { spansOfStep } from './arrival.ts';
import { fetchRange, fetchSteps, type NegativeSource } from './fetch.ts';

/**
 * Mends a container that rotted in flash: finds the steps whose node is not the signed one and fetches those bytes alone. When its
 * head is rotten the whole container has to be fetched, and this is NEGATIVE_FILE_INVALID.
 */
export async function repairContainer(
  source: NegativeSource,
  manifest: Manifest,
  rotten: Uint8Array,
): Promise<Result<{ readonly bytes: Uint8Array; readonly fetched: number }>> {
  if (rotten.length !== manifest.size) return fail('NEGATIVE_FILE_INVALID', { field: 'size' });
  const steps = await fetchSteps(source, manifest);
  if (!steps.ok) return steps;
  const bytes = concat(rotten);
  let fetched = steps.value.length * 32;
  for (const [step, node] of steps.value.entries()) {
    const container = openContainer(bytes);
    if (!container.ok) return container;
    if (sameBytes(nodeOf(container.value, step), node)) continue;
    const spans = spansOfStep(container.value, step);
    const start = spans[0]?.start ?? 0;
    const end = spans.at(-1)?.end ?? start;
    const piece = await fetchRange(source, manifest, start, end);
    if (!piece.ok) return piece;
    bytes.set(piece.value, start);
    fetched += piece.value.length;
    const mended = openContainer(bytes);
    if (!mended.ok || !sameBytes(nodeOf(mended.value, step), node))
      return fail('NEGATIVE_FILE_INVALID', { field: 'step' });
  }
  const mended = openContainer(bytes);
  if (!mended.ok) return mended;
  return sameBytes(containerRoot(mended.value), manifest.root)
    ? ok({ bytes, fetched })
    : fail('NEGATIVE_FILE_INVALID', { field: 'root' });
}

const nodeOf = (container: Container, step: number): Uint8Array =>
  rootOf(spansOfStep(container, step).map(({ start, end }) => leafHash(container.bytes.subarray(start, end))));
