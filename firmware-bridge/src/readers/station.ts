import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { EmulatedBus } from '../usb/emulated/bus.ts';
import type { UsbTransport } from '../usb/port.ts';
import { type EmulatedReaders, plugReaders } from './emulated/set.ts';
import { openReader } from './families.ts';
import type { ChipReader, Reader, ReaderCode } from './port.ts';
import type { StripeReader } from './stripe/port.ts';

/**
 * The readers of one terminal, opened when they are first needed and again after they were unplugged. What is plugged into the
 * transport decides which there are.
 */
export class ReaderStation {
  readonly #world: World;
  readonly #transport: UsbTransport;
  readonly #open = new Map<string, Reader>();
  readonly #watch: { cancel(): void };

  constructor(world: World, transport: UsbTransport) {
    this.#world = world;
    this.#transport = transport;
    this.#watch = transport.watch(({ type, device }) => {
      world.log('info', type === 'plugged' ? 'readerPlugged' : 'readerUnplugged', { device: device.id });
      if (type === 'unplugged') this.#forget(device.id);
    });
  }

  /** The reader for chip cards of this kind. */
  async chip(kind: 'contact' | 'contactless'): Promise<Result<ChipReader, ReaderCode>> {
    const found = await this.#find((reader) => reader.kind === kind);
    if (!found.ok) return found;
    return found.value.kind === 'stripe' ? fail('READER_UNKNOWN') : ok(found.value);
  }

  /** The reader for stripes. */
  async stripe(): Promise<Result<StripeReader, ReaderCode>> {
    const found = await this.#find((reader) => reader.kind === 'stripe');
    if (!found.ok) return found;
    return found.value.kind === 'stripe' ? ok(found.value) : fail('READER_UNKNOWN');
  }

  async close(): Promise<void> {
    this.#watch.cancel();
    await Promise.all([...this.#open.values()].map((reader) => reader.close()));
    this.#open.clear();
    await this.#transport.close();
  }

  async #find(isWanted: (reader: Reader) => boolean): Promise<Result<Reader, ReaderCode>> {
    const listed = await this.#transport.list();
    if (!listed.ok) return listed;
    for (const info of listed.value) {
      let reader = this.#open.get(info.id);
      if (reader === undefined) {
        const opened = await openReader(this.#world, this.#transport, info);
        if (!opened.ok) {
          // A device that is no reader of ours is none of our business.
          this.#world.log('debug', 'deviceNotOpened', { device: info.id, fault: opened.fault });
          continue;
        }
        reader = opened.value;
        this.#open.set(info.id, reader);
      }
      if (isWanted(reader)) return ok(reader);
    }
    return fail('USB_NOT_FOUND');
  }

  #forget(id: string): void {
    const reader = this.#open.get(id);
    this.#open.delete(id);
    reader?.close().catch((cause: unknown) => {
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
