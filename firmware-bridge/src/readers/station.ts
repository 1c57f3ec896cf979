import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { EmulatedBus } from '../usb/emulated/bus.ts';
import type { UsbTransport } from '../usb/port.ts';
import { type EmulatedReaders, plugReaders } from './emulated/set.ts';
import { openReaders } from './families.ts';
import type { ChipReader, FelicaReader, Reader, ReaderCode, Readers } from './port.ts';
import type { StripeReader } from './stripe/port.ts';

/**
 * The readers of one terminal, opened when they are first needed and again after they were unplugged. What is plugged into the
 * transport decides which there are.
 */
export class ReaderStation implements Readers {
  readonly #world: World;
  readonly #transport: UsbTransport;
  /** By device: one reader for each of its slots. */
  readonly #open = new Map<string, readonly Reader[]>();
  readonly #watch: { cancel(): void };

  constructor(world: World, transport: UsbTransport) {
    this.#world = world;
    this.#transport = transport;
    this.#watch = transport.watch(({ type, device }) => {
      world.log('info', type === 'plugged' ? 'readerPlugged' : 'readerUnplugged', { device: device.id });
      if (type === 'unplugged') this.#forget(device.id);
    });
  }

  async chip(kind: 'contact' | 'contactless'): Promise<Result<ChipReader, ReaderCode>> {
    // An antenna for FeliCa takes chip cards too. Where another one hangs beside it they are held to that one, however late it was plugged in.
    const found = await this.#find(
      (reader) => reader.kind === kind,
      (reader) => reader.kind !== 'contactless' || reader.felica === undefined,
    );
    if (!found.ok) return found;
    return found.value.kind === 'stripe' ? fail('READER_UNKNOWN') : ok(found.value);
  }

  async stripe(): Promise<Result<StripeReader, ReaderCode>> {
    const found = await this.#find((reader) => reader.kind === 'stripe');
    if (!found.ok) return found;
    return found.value.kind === 'stripe' ? ok(found.value) : fail('READER_UNKNOWN');
  }

  async felica(): Promise<Result<FelicaReader, ReaderCode>> {
    const found = await this.#find((reader) => reader.kind === 'contactless' && reader.felica !== undefined);
    if (!found.ok) return found;
    const face = found.value.kind === 'contactless' ? found.value.felica : undefined;
    return face === undefined ? fail('READER_UNKNOWN') : ok(face);
  }

  async close(): Promise<void> {
    this.#watch.cancel();
    await Promise.all([...this.#open.values()].flat().map((reader) => reader.close()));
    this.#open.clear();
    await this.#transport.close();
  }

  /** The first reader that is wanted, a preferred one before others. */
  async #find(
    isWanted: (reader: Reader) => boolean,
    isPreferred: (reader: Reader) => boolean = () => true,
  ): Promise<Result<Reader, ReaderCode>> {
    const listed = await this.#transport.list();
    if (!listed.ok) return listed;
    let second: Reader | undefined;
    for (const info of listed.value) {
      let readers = this.#open.get(info.id);
      if (readers === undefined) {
        const opened = await openReaders(this.#world, this.#transport, info);
        if (!opened.ok) {
          // A device that is no reader of ours is none of our business.
          this.#world.log('debug', 'deviceNotOpened', { device: info.id, fault: opened.fault });
          continue;
        }
        readers = opened.value;
        this.#open.set(info.id, readers);
      }
      for (const reader of readers) {
        if (!isWanted(reader)) continue;
        if (isPreferred(reader)) return ok(reader);
        second ??= reader;
      }
    }
    return second === undefined ? fail('USB_NOT_FOUND') : ok(second);
  }

  #forget(id: string): void {
    const readers = this.#open.get(id) ?? [];
    this.#open.delete(id);
    Promise.all(readers.map((reader) => reader.close())).catch((cause: unknown) => {
      throw new Error('closing an unplugged reader cannot fail', { cause });
    });
  }
}

/** A station whose readers are emulated: the bus and the devices are there for whoever plays the cardholder. */
export interface EmulatedStation {
  readonly station: ReaderStation;
  readonly bus: EmulatedBus;
  readonly emulated: EmulatedReaders;
}

/** Opens the emulated readers of a catalogue model. */
export function openEmulatedStation(world: World, model: TerminalModel): EmulatedStation {
  const bus = new EmulatedBus(world);
  const emulated = plugReaders(bus, model);
  return { station: new ReaderStation(world, bus), bus, emulated };
}
