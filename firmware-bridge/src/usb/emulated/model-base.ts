import type { UsbDescriptors } from '../descriptors.ts';
import type { ControlSetup } from '../port.ts';
import type { EmulatedHost, UsbDeviceModel } from './device-model.ts';
import { StandardRequests } from './standard-requests.ts';

/** What all emulated devices share: the host that they are plugged into, standard requests, and halts. */
export abstract class EmulatedUsbDevice implements UsbDeviceModel {
  readonly descriptors: UsbDescriptors;
  readonly vendorId: number;
  readonly productId: number;
  readonly #standard: StandardRequests;
  #host: EmulatedHost | undefined;
  /** Transfers until the cable is pulled. */
  #transfersLeft: number | undefined;

  constructor(descriptors: UsbDescriptors) {
    this.descriptors = descriptors;
    const { device } = descriptors;
    this.vendorId = (device[8] ?? 0) | ((device[9] ?? 0) << 8);
    this.productId = (device[10] ?? 0) | ((device[11] ?? 0) << 8);
    this.#standard = new StandardRequests(descriptors);
  }

  /** Whether the device is plugged into a host. */
  get isPlugged(): boolean {
    return this.#host !== undefined;
  }

  plugged(host: EmulatedHost): void {
    this.#standard.reset();
    this.#host = host;
  }

  unplugged(): void {
    this.#host = undefined;
    this.#transfersLeft = undefined;
  }

  /** Pulls the cable: at once, or in the middle of the transfer with this number, counted from 1 from now on. */
  pull(atTransfer?: number): void {
    if (atTransfer === undefined) this.unplug();
    else this.#transfersLeft = atTransfer;
  }

  /** Pulls it at no later transfer any more. */
  leavePlugged(): void {
    this.#transfersLeft = undefined;
  }

  control(setup: ControlSetup, data: Uint8Array): Uint8Array | undefined {
    return setup.type === 'standard' ? this.#standard.answer(setup) : this.onClassRequest(setup, data);
  }

  bulkOut(endpoint: number, transfer: Uint8Array): boolean {
    if (this.#standard.isHalted(endpoint)) return false;
    if (!this.isPulledIn()) this.onTransfer(endpoint, transfer);
    return true;
  }

  isHalted(address: number): boolean {
    return this.#standard.isHalted(address);
  }

  /** A class or vendor request; undefined stalls. */
  protected onClassRequest(_setup: ControlSetup, _data: Uint8Array): Uint8Array | undefined {
    return undefined;
  }

  /** One OUT transfer. */
  protected abstract onTransfer(endpoint: number, transfer: Uint8Array): void;

  /** Counts a transfer. @returns whether it is the one in whose middle the cable is pulled. */
  protected isPulledIn(): boolean {
    if (this.#transfersLeft === undefined || --this.#transfersLeft > 0) return false;
    this.unplug();
    return true;
  }

  protected send(endpoint: number, transfer: Uint8Array): void {
    this.#host?.send(endpoint, transfer);
  }

  protected unplug(): void {
    this.#host?.unplug();
  }

  protected halt(address: number): void {
    this.#standard.halt(address);
  }
}
