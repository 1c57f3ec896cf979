import type { Files } from '@tsunagu/firmware-bridge/sealed-store/index';

/** Power is gone: no later call of this boot succeeds. */
export class PowerLost extends Error {}

/**
 * A medium that forgets what was not synced. `failAt` cuts the power at the n-th change (from 1): the change itself is torn
 * (half of the bytes of a write), and every later call of this boot rejects.
 */
export class MemoryFiles implements Files {
  readonly #disk: Map<string, Uint8Array>;
  /** Renames and removals that are not synced yet, oldest first. */
  #unsynced: (() => void)[] = [];
  #changes = 0;
  #isOff = false;
  readonly log: string[] = [];
  readonly #failAt: number;

  constructor(disk: Map<string, Uint8Array> = new Map(), failAt = Number.POSITIVE_INFINITY) {
    this.#disk = disk;
    this.#failAt = failAt;
  }

  get changes(): number {
    return this.#changes;
  }

  /** What a boot after a power failure finds: everything synced, and the renames that happened to get through. */
  afterPowerLoss(keepUnsynced: boolean, failAt?: number): MemoryFiles {
    if (keepUnsynced) for (const apply of this.#unsynced) apply();
    return new MemoryFiles(new Map(this.#disk), failAt);
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    this.#alive();
    const view = this.#view();
    const bytes = view.get(name);
    return bytes && Uint8Array.from(bytes);
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    if (this.#countsOut('write', name)) {
      this.#disk.set(name, Uint8Array.from(bytes.subarray(0, bytes.length >> 1)));
      throw new PowerLost();
    }
    this.#disk.set(name, Uint8Array.from(bytes));
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    const isTorn = this.#countsOut('append', name);
    const before = this.#disk.get(name) ?? new Uint8Array(0);
    this.#disk.set(name, Buffer.concat([before, isTorn ? bytes.subarray(0, bytes.length >> 1) : bytes]));
    if (isTorn) throw new PowerLost();
  }

  async rename(from: string, to: string): Promise<void> {
    const off = this.#countsOut('rename', to);
    this.#unsynced.push(() => {
      const bytes = this.#disk.get(from);
      if (!bytes) return;
      this.#disk.set(to, bytes);
      this.#disk.delete(from);
    });
    if (off) throw new PowerLost();
  }

  async syncFolder(): Promise<void> {
    if (this.#countsOut('sync', '')) throw new PowerLost();
    for (const apply of this.#unsynced) apply();
    this.#unsynced = [];
  }

  async remove(name: string): Promise<void> {
    const off = this.#countsOut('remove', name);
    this.#unsynced.push(() => this.#disk.delete(name));
    if (off) throw new PowerLost();
  }

  async list(): Promise<readonly string[]> {
    this.#alive();
    return [...this.#view().keys()];
  }

  #view(): Map<string, Uint8Array> {
    if (this.#unsynced.length === 0) return this.#disk;
    const scratch = new MemoryFiles(new Map(this.#disk));
    const view = scratch.#disk;
    // The running system sees its own renames before they are durable.
    const saved = new Map(this.#disk);
    for (const apply of this.#unsynced) apply();
    view.clear();
    for (const [name, bytes] of this.#disk) view.set(name, bytes);
    this.#disk.clear();
    for (const [name, bytes] of saved) this.#disk.set(name, bytes);
    return view;
  }

  #alive(): void {
    if (this.#isOff) throw new PowerLost();
  }

  #countsOut(kind: string, name: string): boolean {
    this.#alive();
    this.#changes += 1;
    this.log.push(`${kind} ${name}`.trim());
    this.#isOff = this.#changes >= this.#failAt;
    return this.#isOff;
  }
}
