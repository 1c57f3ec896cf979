import { readerKinds } from '@tsunagu/protocols/catalogue';
import { parseJson } from '@tsunagu/protocols/fleet';
import { cableFiles, type CableOrder, cableOrder, type CablesState } from '@tsunagu/protocols/workshop';
import type { World } from '@tsunagu/protocols/world';
import type { EmulatedStation } from '../readers/station.ts';
import { answerInto, watchFile } from './watched-file.ts';

/** The USB cables between an emulated terminal and its readers, and the person who pulls and plugs them. */
export class ReaderCables {
  #station: EmulatedStation | undefined;
  #readers: CablesState['readers'] = {};

  /** The terminal has started, or started anew: what was pulled before hangs loose still, and nothing else. */
  attach(station: EmulatedStation): void {
    const before = this.#readers;
    this.#station = station;
    // A terminal that goes off tells nobody: its cables are as they were.
    station.bus.watch(() => this.#look(station));
    for (const kind of readerKinds) if (before[kind] === 'pulled') station.emulated[kind]?.pull();
    this.#look(station);
  }

  readers(): CablesState['readers'] {
    return this.#readers;
  }

  #look({ emulated }: EmulatedStation): void {
    this.#readers = Object.fromEntries(
      readerKinds.flatMap((kind) => {
        const device = emulated[kind];
        return device === undefined ? [] : [[kind, device.isPlugged ? 'plugged' : 'pulled']];
      }),
    );
  }

  /** Does what somebody wants; nothing where the model has no such reader, or its cable is so already and is not to be pulled later. */
  obey({ reader, does, atTransfer }: CableOrder): void {
    const device = this.#station?.emulated[reader];
    if (device === undefined) return;
    if (does === 'pull') device.pull(atTransfer);
    else if (device.isPlugged) device.leavePlugged();
    else this.#station?.bus.plug(device);
  }

  /** Does what lies in the terminal's folder as an order, from now until `signal` is aborted. */
  watch(world: Pick<World, 'log'>, folder: string, signal: AbortSignal): void {
    watchFile(
      world,
      {
        folder,
        name: cableFiles.order,
        failed: 'readerCableUnread',
        parse(text) {
          const order = parseJson(cableOrder, text);
          return order.ok ? order.value : undefined;
        },
        obey: async (order) => {
          this.obey(order);
          await answerInto(folder, cableFiles.state, { done: order.id, readers: this.readers() } satisfies CablesState);
        },
      },
      signal,
    );
  }
}
