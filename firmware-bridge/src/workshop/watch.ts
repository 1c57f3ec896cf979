import type { ReaderSeen } from '@tsunagu/protocols/workshop';
import type { ChipReader } from '../readers/port.ts';
import type { UsbDeviceInfo } from '../usb/port.ts';
import { inspectCard } from './inspect.ts';
import { type Ending, failed, type Shell, untilTold } from './shell.ts';
import { moveCard } from './typed-hand.ts';
import { isReaderFault, openSource, type Source } from './source.ts';

/** What `workshop watch` was asked for. */
export interface WatchOptions {
  /** `READER[=CARD]` each; undefined for the machine's own USB. */
  readonly emulated?: readonly string[];
  readonly pcsc?: boolean;
  /** Look once and end. */
  readonly once: boolean;
}

const pollMs = 500;

/**
 * Tells of readers and of what is in them: once, or until told to end. A reader that another program has is named and
 * left alone. On an emulated bench, lines on the input are the hand: `remove ID`, `insert ID`, `unplug ID`.
 */
export async function watchReaders(shell: Shell, { once, ...from }: WatchOptions): Promise<Ending> {
  const opened = openSource(shell.world, from);
  if (!opened.ok) return failed(shell, opened.fault);
  const source = opened.value;
  const listed = await source.bus.list();
  if (!listed.ok) return failed(shell, listed.fault);
  const watched = new Map<string, Watched>();
  const add = async (info: UsbDeviceInfo): Promise<void> => {
    const found = await Watched.open(shell, source, info);
    if (found !== undefined) watched.set(info.id, found);
  };
  if (!once) shell.say({ event: 'ready' });
  for (const info of listed.value) await add(info);
  if (once) {
    for (const one of watched.values()) await one.look();
    shell.say({ event: 'listed', readers: watched.size });
  } else {
    const watch = source.bus.watch(({ type, device }) => {
      if (type === 'plugged') return void add(device);
      void watched.get(device.id)?.gone();
      watched.delete(device.id);
    });
    void (async () => {
      for await (const line of shell.lines) moveCard(source, line);
    })();
    const timer = shell.world.timers.every(pollMs, () => {
      for (const one of watched.values()) void one.look();
    });
    await untilTold(shell.signal);
    timer.cancel();
    watch.cancel();
  }
  for (const one of watched.values()) await one.close();
  await source.bus.close();
  return 0;
}

/** One reader that is looked at. */
class Watched {
  readonly #shell: Shell;
  readonly #reader: ChipReader;
  readonly #seen: ReaderSeen;
  #last: 'absent' | 'present' | undefined;
  #isLooking = false;

  private constructor(shell: Shell, reader: ChipReader, seen: ReaderSeen) {
    this.#shell = shell;
    this.#reader = reader;
    this.#seen = seen;
  }

  /** Opens a device if it is a reader, and says so. Devices that are no readers are none of our business. */
  static async open(shell: Shell, { bus }: Source, info: UsbDeviceInfo): Promise<Watched | undefined> {
    const { id, vendorId, productId } = info;
    const opened = await bus.open(info);
    if (!opened.ok) {
      const { code } = opened.fault;
      if (isReaderFault(code)) shell.say({ event: 'readerFound', reader: { id, vendorId, productId, code } });
      return undefined;
    }
    const { name, kind } = opened.value;
    const seen: ReaderSeen = { id, vendorId, productId, name, kind };
    shell.say({ event: 'readerFound', reader: seen });
    if (opened.value.kind !== 'stripe') return new Watched(shell, opened.value, seen);
    await opened.value.close();
    return undefined;
  }

  /** Asks what is in the slot, and tells when that has changed. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const state = await this.#reader.state();
    if (state.ok) {
      const now = state.value === 'absent' ? 'absent' : 'present';
      if (now !== this.#last) {
        this.#last = now;
        await this.#tell(now);
      }
    }
    this.#isLooking = false;
  }

  async #tell(now: 'absent' | 'present'): Promise<void> {
    const { id } = this.#seen;
    if (now === 'absent') return this.#shell.say({ event: 'slotEmpty', reader: id });
    const card = await inspectCard(this.#reader);
    await this.#reader.powerOff();
    if (card.ok) return this.#shell.say({ event: 'cardFound', reader: id, card: card.value });
    const { code, facts } = card.fault;
    this.#shell.say({ event: 'cardUnread', reader: id, code, ...(facts === undefined ? {} : { facts }) });
  }

  async gone(): Promise<void> {
    this.#shell.say({ event: 'readerGone', reader: this.#seen });
    await this.#reader.close();
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}
