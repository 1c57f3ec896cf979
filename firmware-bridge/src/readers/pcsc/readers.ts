import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { pcscdSocket } from '@tsunagu/protocols/pcsc';
import type { World } from '@tsunagu/protocols/world';
import type { ChipReader, FelicaReader, ReaderCode, Readers } from '../port.ts';
import type { StripeReader } from '../stripe/port.ts';
import { listPcscReaders, openPcscReader, type PcscReader } from './reader.ts';

/** The readers that pcscd drives, as those of one terminal: the first of each kind, or only the one that was named. It has no stripes, and FeliCa cards only as far as its drivers know them: they are not asked for here. */
export class PcscReaders implements Readers {
  readonly #world: World;
  readonly #path: string;
  readonly #only: string | undefined;
  readonly #open = new Map<string, PcscReader>();

  /** @param only the daemon's name of the reader to use */
  constructor(world: World, only?: string, path: string = pcscdSocket) {
    this.#world = world;
    this.#only = only;
    this.#path = path;
  }

  async chip(kind: 'contact' | 'contactless'): Promise<Result<ChipReader, ReaderCode>> {
    const names = await listPcscReaders(this.#world, this.#path);
    if (!names.ok) return names;
    for (const [name, reader] of this.#open)
      if (!names.value.includes(name)) {
        this.#open.delete(name);
        await reader.close();
      }
    for (const name of names.value) {
      if (this.#only !== undefined && name !== this.#only) continue;
      let reader = this.#open.get(name);
      if (reader === undefined) {
        const opened = await openPcscReader(this.#world, name, this.#path);
        if (!opened.ok) return opened;
        reader = opened.value;
        this.#open.set(name, reader);
      }
      if (reader.kind === kind) return ok(reader);
    }
    return fail('READER_UNKNOWN');
  }

  stripe(): Promise<Result<StripeReader, ReaderCode>> {
    return Promise.resolve(fail('READER_UNKNOWN'));
  }

  felica(): Promise<Result<FelicaReader, ReaderCode>> {
    return Promise.resolve(fail('READER_UNKNOWN'));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((reader) => reader.close()));
    this.#open.clear();
  }
}
