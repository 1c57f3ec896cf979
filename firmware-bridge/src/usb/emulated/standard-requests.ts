import type { ControlSetup } from '../port.ts';
import { descriptorTypes, type UsbDescriptors } from '../descriptors.ts';

/** The standard requests that a device takes. USB 2.0, table 9-4. */
const requests = {
  getStatus: 0,
  clearFeature: 1,
  setFeature: 3,
  setAddress: 5,
  getDescriptor: 6,
  getConfiguration: 8,
  setConfiguration: 9,
  getInterface: 10,
  setInterface: 11,
} as const;

const nothing = new Uint8Array(0);

/**
 * The part of a device that every device has: it answers the standard requests out of its descriptors, and knows which
 * of its endpoints are halted.
 *
 * @see USB 2.0, 9.4
 */
export class StandardRequests {
  readonly #descriptors: UsbDescriptors;
  readonly #halted = new Set<number>();
  #configuration = 1;

  constructor(descriptors: UsbDescriptors) {
    this.#descriptors = descriptors;
  }

  /** As after a bus reset. The host may send SET_CONFIGURATION or take the device as configured. */
  reset(): void {
    this.#halted.clear();
    this.#configuration = 1;
  }

  /** Halts an endpoint (address with direction bit) until the host clears it. */
  halt(address: number): void {
    this.#halted.add(address);
  }

  isHalted(address: number): boolean {
    return this.#halted.has(address);
  }

  /** The answer to a standard request; undefined stalls. */
  answer(setup: ControlSetup): Uint8Array | undefined {
    const { recipient, request, value, index } = setup;
    switch (request) {
      case requests.getDescriptor:
        return recipient === 'device' ? this.#descriptor(value >> 8, value & 0xff) : undefined;
      case requests.getStatus:
        return Uint8Array.of(recipient === 'endpoint' && this.#halted.has(index) ? 1 : 0, 0);
      case requests.clearFeature:
        if (recipient === 'endpoint') this.#halted.delete(index);
        return nothing;
      case requests.setFeature:
        if (recipient === 'endpoint') this.#halted.add(index);
        return nothing;
      case requests.setAddress:
        return nothing;
      case requests.getConfiguration:
        return Uint8Array.of(this.#configuration);
      case requests.setConfiguration:
        if (value > 1) return undefined;
        this.#configuration = value;
        this.#halted.clear();
        return nothing;
      case requests.getInterface:
        return index < this.#descriptors.interfaceCount ? Uint8Array.of(0) : undefined;
      case requests.setInterface:
        return index < this.#descriptors.interfaceCount && value === 0 ? nothing : undefined;
      default:
        return undefined;
    }
  }

  #descriptor(type: number, index: number): Uint8Array | undefined {
    switch (type) {
      case descriptorTypes.device:
        return this.#descriptors.device;
      case descriptorTypes.configuration:
        return index === 0 ? this.#descriptors.configuration : undefined;
      case descriptorTypes.string:
        return this.#descriptors.strings[index];
      default:
        // A device qualifier (6) is what a device of one speed refuses. USB 2.0, 9.6.2.
        return undefined;
    }
  }
}
