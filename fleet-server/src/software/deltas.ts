import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { parseJson, type SoftwareDelta, softwareDelta } from '@tsunagu/protocols/fleet';
import { chunked, encodeVcdiff } from '@tsunagu/protocols/software';
import type { World } from '@tsunagu/protocols/world';
import { type Artefacts, writeWhole } from '../artefacts/index.ts';
import type { Images } from './images.ts';

const compress = promisify(brotliCompress);
/** Pairs that are kept; beyond it the one that was made first goes. */
const pairsMax = 256;
/** Pairs that may wait to be made; whoever comes then fetches the whole. */
const waitingMax = 16;
/** A delta of more than this part of its image is not worth a second way to fail. */
const worthMax = 0.7;
/** Above it the highest effort costs a processor for too long. */
const carefulBytesMax = 2 * 1024 * 1024;

/** Ways from one image to another. */
export interface Deltas {
  /** The way, made when it is asked for first and kept. Undefined when there is none that is worth it. */
  find(from: string, to: string): Promise<SoftwareDelta | undefined>;
}

/** Makes the bytes of a delta, between two other things at a time: it is a matter of seconds, and payments go on. */
export async function makeDelta(from: Uint8Array, to: Uint8Array, pause: () => Promise<void>): Promise<Uint8Array> {
  const steps = encodeVcdiff(from, to);
  let step = steps.next();
  for (; !step.done; step = steps.next()) await pause();
  const quality = step.value.length > carefulBytesMax ? 6 : constants.BROTLI_MAX_QUALITY;
  return compress(step.value, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: step.value.length,
    },
  });
}

export async function openDeltas(world: World, folder: string, artefacts: Artefacts, images: Images): Promise<Deltas> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const making = new Map<string, Promise<SoftwareDelta | undefined>>();
  let turn: Promise<unknown> = Promise.resolve();

  async function known(pair: string): Promise<SoftwareDelta | 'none' | undefined> {
    const text = await readFile(join(folder, pair), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    const read = parseJson(softwareDelta, text, 1_048_576);
    return read.ok ? read.value : 'none';
  }

  async function make(pair: string, from: string, to: string): Promise<SoftwareDelta | undefined> {
    const [base, target] = [await images.bytes(from), await images.bytes(to)];
    if (!base.ok || !target.ok) return undefined;
    const beganMs = world.clock.monotonicMs();
    const bytes = await makeDelta(base.value, target.value, () => world.timers.sleep(0));
    const isWorth = bytes.length <= target.value.length * worthMax;
    const cut = isWorth ? chunked(bytes) : undefined;
    const delta = cut && { ...cut, chunks: [...cut.chunks] };
    if (delta) await artefacts.put(bytes);
    await writeWhole(join(folder, pair), JSON.stringify(delta ?? 'none'));
    world.log('info', 'deltaMade', {
      from: from.slice(0, 16),
      to: to.slice(0, 16),
      size: bytes.length,
      image: target.value.length,
      isWorth,
      tookMs: Math.round(world.clock.monotonicMs() - beganMs),
    });
    await forgetOldest();
    return delta;
  }

  async function forgetOldest(): Promise<void> {
    const names = await readdir(folder);
    if (names.length <= pairsMax) return;
    const aged = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })));
    for (const { name } of aged.sort((a, b) => a.at - b.at).slice(0, names.length - pairsMax)) {
      const delta = await known(name);
      if (delta && delta !== 'none') await artefacts.remove(delta.digest);
      await rm(join(folder, name), { force: true });
    }
  }

  return {
    async find(from, to) {
      const pair = `${from}-${to}`;
      const kept = await known(pair);
      if (kept === 'none') return undefined;
      if (kept && (await artefacts.find(kept.digest))) return kept;
      const running = making.get(pair);
      if (running) return running;
      if (making.size >= waitingMax) return undefined;
      const made = turn.then(() => make(pair, from, to)).finally(() => making.delete(pair));
      turn = made.catch((cause: unknown) => world.log('error', 'deltaFailed', { fault: { code: 'INTERNAL', cause } }));
      making.set(pair, made);
      return made;
    },
  };
}
