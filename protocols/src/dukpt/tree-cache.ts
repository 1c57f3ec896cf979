/** One device of a host's cache: its initial key, and the keys on the way to the counter that was asked for last. */
interface Device {
  readonly initialKey: Uint8Array;
  readonly path: { readonly counter: number; readonly key: Uint8Array }[];
}

/** Walks a derivation tree onwards from the key of a counter, showing each key on the way. */
export type Walk = (
  start: Uint8Array,
  from: number,
  to: number,
  onStep: (counter: number, key: Uint8Array) => void,
) => Uint8Array;

/**
 * What a host remembers of its devices, so that the next transaction of one costs a step or two of derivation instead of
 * one for each one-bit of its counter. A counter and the next share their upper bits, and with them the upper keys.
 * The device that was quiet longest is forgotten first, and its keys are wiped.
 */
export class TreeCache {
  readonly #devices = new Map<string, Device>();
  readonly #devicesMax: number;

  constructor(devicesMax: number) {
    if (!Number.isInteger(devicesMax) || devicesMax < 1) throw new Error('a cache holds at least one device');
    this.#devicesMax = devicesMax;
  }

  /** The key of a counter, as bytes that stay the cache's own. */
  keyOf(id: Uint8Array, counter: number, initialKey: () => Uint8Array, walk: Walk): Uint8Array {
    const device = this.#device(id, initialKey);
    const { path } = device;
    for (let last = path.at(-1); last !== undefined && !isAbove(last.counter, counter); last = path.at(-1)) {
      last.key.fill(0);
      path.pop();
    }
    const nearest = path.at(-1);
    return walk(nearest?.key ?? device.initialKey, nearest?.counter ?? 0, counter, (reached, key) => {
      path.push({ counter: reached, key });
    });
  }

  /** Forgets every device and wipes its keys. */
  wipe(): void {
    for (const device of this.#devices.values()) wipe(device);
    this.#devices.clear();
  }

  #device(id: Uint8Array, initialKey: () => Uint8Array): Device {
    const name = Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1');
    const known = this.#devices.get(name);
    if (known !== undefined) {
      this.#devices.delete(name);
      this.#devices.set(name, known);
      return known;
    }
    for (const [oldest, device] of this.#devices) {
      if (this.#devices.size < this.#devicesMax) break;
      wipe(device);
      this.#devices.delete(oldest);
    }
    const device: Device = { initialKey: initialKey(), path: [] };
    this.#devices.set(name, device);
    return device;
  }
}

// Whether `upper` consists of the upper one-bits of `counter`.
const isAbove = (upper: number, counter: number): boolean => (((upper ^ counter) >>> 0) & -lowBit(upper)) === 0;

const lowBit = (value: number): number => value & -value;

function wipe({ initialKey, path }: Device): void {
  initialKey.fill(0);
  for (const { key } of path) key.fill(0);
}
