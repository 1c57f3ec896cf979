import { ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { listPcscReaders, openPcscReader } from '../readers/pcsc/reader.ts';
import type { Reader, ReaderCode } from '../readers/port.ts';
import type { UsbDeviceInfo, UsbPlugEvent } from '../usb/port.ts';
import type { Bus } from './bus.ts';

const pollMs = 1_500;
const infoOf = (name: string): UsbDeviceInfo => ({ id: name, vendorId: 0, productId: 0 });

/** The readers that pcscd drives, listed and watched as devices of a bus are. They are known by name, and have no USB numbers. */
export class PcscBus implements Bus {
  readonly #world: World;
  readonly #timers = new Set<{ cancel(): void }>();

  constructor(world: World) {
    this.#world = world;
  }

  async list(): Promise<Result<readonly UsbDeviceInfo[], ReaderCode>> {
    const names = await listPcscReaders(this.#world);
    return names.ok ? ok(names.value.map(infoOf)) : names;
  }

  open({ id }: UsbDeviceInfo): Promise<Result<Reader, ReaderCode>> {
    return openPcscReader(this.#world, id);
  }

  watch(listener: (event: UsbPlugEvent) => void): { cancel(): void } {
    let known: readonly string[] | undefined;
    const timer = this.#world.timers.every(pollMs, () => {
      void listPcscReaders(this.#world).then((names) => {
        if (!names.ok) return;
        const before = known ?? names.value;
        known = names.value;
        for (const name of known) if (!before.includes(name)) listener({ type: 'plugged', device: infoOf(name) });
        for (const name of before) if (!known.includes(name)) listener({ type: 'unplugged', device: infoOf(name) });
      });
    });
    this.#timers.add(timer);
    return timer;
  }

  close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    return Promise.resolve();
  }
}
