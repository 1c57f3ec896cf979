import type { UsbDescriptors } from '../descriptors.ts';
import type { ControlSetup } from '../port.ts';

/** What an emulated device can do to the host that it is plugged into. */
export interface EmulatedHost {
  /**
   * Puts one bulk or interrupt transfer into an IN endpoint (its number without the direction bit); zero bytes are a
   * zero-length packet. It waits there until the host reads.
   */
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
  readonly descriptors: UsbDescriptors;
  plugged(host: EmulatedHost): void;
  unplugged(): void;
  /** The answer to a control request, standard ones included (`StandardRequests`); undefined stalls. */
  control(setup: ControlSetup, data: Uint8Array): Uint8Array | undefined;
  /**
   * Takes one OUT transfer, zero bytes for a zero-length packet; its effects are `send`s. `false` when the endpoint is halted:
   * the host sees a stall until it clears the halt.
   */
  bulkOut(endpoint: number, transfer: Uint8Array): boolean;
  /** Whether an endpoint (address with direction bit) is halted: reads of it stall. */
  isHalted(address: number): boolean;
}
