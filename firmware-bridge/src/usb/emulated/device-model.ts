import type { ControlSetup } from '../port.ts';

/** What an emulated device can do to the host that it is plugged into. */
export interface EmulatedHost {
  /** Completes one bulk or interrupt transfer of an IN endpoint; zero bytes are a zero-length packet. */
  send(endpoint: number, transfer: Uint8Array): void;
  /** Leaves the bus at once, in the middle of whatever goes on. */
  unplug(): void;
}

/**
 * An emulated USB device: a handler of messages without sockets or clock, so that the same object serves the bus in this
 * process and, exported, a real kernel.
 */
export interface UsbDeviceModel {
  readonly vendorId: number;
  readonly productId: number;
  plugged(host: EmulatedHost): void;
  unplugged(): void;
  /** The answer to a control request; undefined stalls. */
  control(setup: ControlSetup, data: Uint8Array): Uint8Array | undefined;
  /** Takes one bulk transfer; its effects are `send`s. */
  bulkOut(endpoint: number, transfer: Uint8Array): void;
}
