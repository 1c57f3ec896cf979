import { devicePaths, negativeNames } from '@tsunagu/protocols/fleet';
import { concat, fail, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import { readStepNodes, stepLeaves } from '@tsunagu/protocols/negative';
import type { Manifest } from '@tsunagu/protocols/negative/authority';
import type { Timers } from '@tsunagu/protocols/world';
import { exchange, type HttpsFault, type SecureNetwork } from '../link/index.ts';
import { ContainerArrival } from './arrival.ts';

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
  readonly #arrival: ContainerArrival;

  constructor(manifest: Manifest, steps: readonly Uint8Array[]) {
    this.manifest = manifest;
    this.#arrival = new ContainerArrival(manifest.size, steps);
  }

  /** Bytes that are proven. */
  get proven(): number {
    return this.#arrival.proven;
  }

  /** Takes what the parent has of it, as far as that is proven. Undefined: the rest is the server's to say. */
  async near({ parent }: NegativeSource): Promise<Uint8Array | undefined> {
    const { root, size } = this.manifest;
    if (this.#arrival.proven > 0) return undefined;
    const bytes = await parent?.fetch(negativeNames.container(hexOf(root)), size);
    if (!bytes) return undefined;
    this.#arrival.resume();
    return this.#arrival.take(bytes) ? this.#arrival.whole : undefined;
  }

  /** Fetches what is not proven yet, in one request. */
  async run({ network, host, timers }: NegativeSource): Promise<Result<Uint8Array, FetchFault>> {
    const arrival = this.#arrival;
    const from = arrival.resume();
    let isSound = true;
    const answer = await exchange(network, host, timers, {
      method: 'GET',
      path: `${devicePaths.negative}/${negativeNames.container(hexOf(this.manifest.root))}`,
      ...(from > 0 && { headers: { range: `bytes=${from}-` } }),
      lengthMax: this.manifest.size - from,
      timeoutMs,
      onBytes: (piece) => {
        if (isSound) isSound = arrival.take(piece);
      },
    });
    if (!isSound) return fail('NEGATIVE_FILE_INVALID', { field: 'step', facts: { step: arrival.provenSteps } });
    if (!answer.ok) return answer;
    const { status } = answer.value;
    if (status !== (from > 0 ? 206 : 200)) {
      arrival.forget();
      return fail('ARTEFACT_UNAVAILABLE', { facts: { status } });
    }
    return arrival.whole
      ? ok(arrival.whole)
      : fail('NEGATIVE_FILE_INVALID', { field: 'length', facts: { arrived: arrival.arrived } });
  }
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
