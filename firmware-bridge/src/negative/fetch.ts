import { devicePaths, negativeNames } from '@tsunagu/protocols/fleet';
import { asBuffer, concat, fail, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import {
  type Container,
  headLeaves,
  leafHash,
  openContainer,
  readStepNodes,
  rootOf,
  sameBytes,
  stepLeaves,
} from '@tsunagu/protocols/negative';
import type { Manifest } from '@tsunagu/protocols/negative/authority';
import type { Timers } from '@tsunagu/protocols/world';
import { exchange, type HttpsFault, type SecureNetwork } from '../link/index.ts';

/** Where a terminal fetches the parts of its lists. */
export interface NegativeSource {
  readonly network: SecureNetwork;
  readonly host: string;
  readonly timers: Timers;
  /** Asked first, where there is one. */
  readonly parent?: NamedSource | undefined;
}

/** Somebody near who has parts of lists by their names, perhaps. Nothing of him is believed: it is checked as what the server says is. */
export interface NamedSource {
  /** Undefined when he does not have it, and when it is longer than that. */
  fetch(name: string, lengthMax: number): Promise<Uint8Array | undefined>;
}

export type FetchFault = HttpsFault | 'ARTEFACT_UNAVAILABLE' | 'NEGATIVE_FILE_INVALID';

const timeoutMs = 120_000;

/** Digests and roots as they stand in paths. */
export const hexOf = (bytes: Uint8Array): string => toHex(bytes).toLowerCase();

/** Fetches something whole, up to `lengthMax` bytes: a longer answer is cut off where it passes it. */
export async function fetchWhole(
  { network, host, timers }: NegativeSource,
  path: string,
  lengthMax: number,
): Promise<Result<Uint8Array, FetchFault>> {
  const answer = await exchange(network, host, timers, { method: 'GET', path, lengthMax, timeoutMs });
  if (!answer.ok) return answer;
  if (answer.value.status !== 200) return fail('ARTEFACT_UNAVAILABLE', { facts: { status: answer.value.status } });
  return ok(Uint8Array.from(answer.value.body));
}

/** Fetches a part of a list from the server itself. */
export const fetchNamed = (source: NegativeSource, name: string, lengthMax: number) =>
  fetchWhole(source, `${devicePaths.negative}/${name}`, lengthMax);

/** Fetches a part of a list from the parent, or from the server where he has none that stands `check`. */
export async function fetchNear<T>(
  source: NegativeSource,
  name: string,
  lengthMax: number,
  check: (bytes: Uint8Array) => Result<T>,
): Promise<Result<T>> {
  const near = await source.parent?.fetch(name, lengthMax);
  const checked = near && check(near);
  if (checked?.ok) return checked;
  const bytes = await fetchNamed(source, name, lengthMax);
  return bytes.ok ? check(bytes.value) : bytes;
}

/** Nodes over the steps of a container, checked against its signed root. */
export async function fetchSteps(
  source: NegativeSource,
  { root, count }: Manifest,
): Promise<Result<readonly Uint8Array[]>> {
  // A container has a leaf for some 160 entries; in exact lists every partition has one at least.
  const lengthMax = 32 * (Math.ceil(count / stepLeaves) + 8);
  return await fetchNear(source, negativeNames.steps(hexOf(root)), lengthMax, (bytes) => readStepNodes(bytes, root));
}

/**
 * A container on its way: what came is believed step by step, as far as the signed root proves it. A download that breaks goes on
 * after the last proven step.
 */
export class ContainerDownload {
  readonly manifest: Manifest;
  readonly #bytes: Uint8Array;
  readonly #steps: readonly Uint8Array[];
  #arrived = 0;
  #proven = 0;
  #provenSteps = 0;
  #container: Container | undefined;

  constructor(manifest: Manifest, steps: readonly Uint8Array[]) {
    this.manifest = manifest;
    this.#steps = steps;
    this.#bytes = new Uint8Array(manifest.size);
    // The length that ends a container is known before it is there.
    new DataView(this.#bytes.buffer).setUint32(manifest.size - 4, manifest.size);
  }

  /** Bytes that are proven. */
  get proven(): number {
    return this.#proven;
  }

  /** Takes what the parent has of it, as far as that is proven. Undefined: the rest is the server's to say. */
  async near({ parent }: NegativeSource): Promise<Uint8Array | undefined> {
    const { root, size } = this.manifest;
    const bytes = this.#proven === 0 ? await parent?.fetch(negativeNames.container(hexOf(root)), size) : undefined;
    if (!bytes) return undefined;
    this.#arrived = 0;
    return this.#take(bytes) && this.#isWhole ? this.#bytes : undefined;
  }

  get #isWhole(): boolean {
    return this.#provenSteps === this.#steps.length && this.#arrived === this.manifest.size;
  }

  /** Fetches what is not proven yet, in one request. */
  async run({ network, host, timers }: NegativeSource): Promise<Result<Uint8Array, FetchFault>> {
    this.#arrived = this.#proven;
    let isSound = true;
    const from = this.#proven;
    const answer = await exchange(network, host, timers, {
      method: 'GET',
      path: `${devicePaths.negative}/${negativeNames.container(hexOf(this.manifest.root))}`,
      ...(from > 0 && { headers: { range: `bytes=${from}-` } }),
      lengthMax: this.manifest.size - from,
      timeoutMs,
      onBytes: (piece) => {
        if (isSound) isSound = this.#take(piece);
      },
    });
    if (!isSound) return fail('NEGATIVE_FILE_INVALID', { field: 'step', facts: { step: this.#provenSteps } });
    if (!answer.ok) return answer;
    const { status } = answer.value;
    if (status !== (from > 0 ? 206 : 200)) return this.#restart(status);
    return this.#isWhole
      ? ok(this.#bytes)
      : fail('NEGATIVE_FILE_INVALID', { field: 'length', facts: { arrived: this.#arrived } });
  }

  #restart(status: number): Result<never, 'ARTEFACT_UNAVAILABLE'> {
    this.#arrived = this.#proven = this.#provenSteps = 0;
    this.#container = undefined;
    return fail('ARTEFACT_UNAVAILABLE', { facts: { status } });
  }

  /** Whether all that can be proven by now is genuine. */
  #take(piece: Uint8Array): boolean {
    if (this.#arrived + piece.length > this.#bytes.length) return false;
    this.#bytes.set(piece, this.#arrived);
    this.#arrived += piece.length;
    for (; this.#provenSteps < this.#steps.length; this.#provenSteps += 1) {
      const container = this.#opened();
      if (container === 'damaged') return false;
      if (!container) return true;
      const leaves = spansOfStep(container, this.#provenSteps);
      const end = leaves.at(-1)?.end ?? 0;
      if (this.#arrived < end) return true;
      const node = rootOf(leaves.map((span) => leafHash(this.#bytes.subarray(span.start, span.end))));
      if (!sameBytes(node, this.#steps[this.#provenSteps] ?? node.subarray(1))) return false;
      this.#proven = end;
    }
    return true;
  }

  /** The container as far as its head has come: where its segments lie is known with the index. */
  #opened(): Container | 'damaged' | undefined {
    if (this.#container) return this.#container;
    const view = asBuffer(this.#bytes);
    const rows = this.#arrived < 32 ? 0 : view.readUInt16BE(6);
    if (this.#arrived < 32 + rows * 13) return undefined;
    const opened = openContainer(this.#bytes);
    const headEnd = opened.ok ? (opened.value.parts.at(-1)?.end ?? 0) : undefined;
    // What stands beside the set may be refused only because it is not there yet: after twice 64 kB it should be.
    if (headEnd === undefined)
      return this.#arrived < Math.min(this.#bytes.length - 4, 131_072 * 4) ? undefined : 'damaged';
    if (this.#arrived < headEnd) return undefined;
    this.#container = opened.ok ? opened.value : undefined;
    return this.#container;
  }
}

/** Where the leaves of a step lie. */
export function spansOfStep(container: Container, step: number) {
  const from = step * stepLeaves;
  const to = Math.min(from + stepLeaves, headLeaves + container.segments);
  return Array.from(
    { length: to - from },
    (_, at) => container.parts[from + at] ?? container.span(from + at - headLeaves),
  );
}

/** Fetches some bytes of a container: to mend a part of it. */
export async function fetchRange(
  { network, host, timers }: NegativeSource,
  { root }: Manifest,
  start: number,
  end: number,
): Promise<Result<Uint8Array, FetchFault>> {
  if (end <= start) return ok(new Uint8Array(0));
  const answer = await exchange(network, host, timers, {
    method: 'GET',
    path: `${devicePaths.negative}/${negativeNames.container(hexOf(root))}`,
    headers: { range: `bytes=${start}-${end - 1}` },
    lengthMax: end - start,
    timeoutMs,
  });
  if (!answer.ok) return answer;
  const isRange = answer.value.status === 206 && answer.value.body.length === end - start;
  return isRange
    ? ok(concat(answer.value.body))
    : fail('ARTEFACT_UNAVAILABLE', { facts: { status: answer.value.status } });
}
