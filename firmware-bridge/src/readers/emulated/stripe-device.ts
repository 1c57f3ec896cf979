import type { Secret } from '@tsunagu/protocols/kit';
import type { EmulatedHost, UsbDeviceModel } from '../../usb/emulated/device-model.ts';
import { stripeHead } from '../stripe/reader.ts';
import { writeTrack2 } from '../stripe/track2.ts';

/** What can go wrong with a swipe. */
export type SwipeFault =
  /** The head saw no valid characters and says so. */
  | 'unreadable'
  /** One character was read wrongly: the LRC does not fit. */
  | 'misread'
  | 'unplug';

/** An emulated stripe head: `UsbStripeReader` drives it. */
export class EmulatedStripeHead implements UsbDeviceModel {
  readonly kind = 'stripe';
  readonly vendorId = stripeHead.vendorId;
  readonly productId = stripeHead.productId;
  #host: EmulatedHost | undefined;
  readonly #faults: SwipeFault[] = [];

  /** A card is drawn through. @param track track 2 without sentinels, `=` as separator, ASCII. */
  swipe(track: Secret<'pan'>): void {
    const fault = this.#faults.shift();
    if (fault === 'unplug') return this.#host?.unplug();
    const characters = fault === 'unreadable' ? new Uint8Array(0) : track.use(writeTrack2);
    if (fault === 'misread') characters[3] = 0x30 + ((((characters[3] ?? 0x30) & 0x0f) + 1) % 10);
    this.#host?.send(stripeHead.interruptIn, Uint8Array.of(fault === 'unreadable' ? 1 : 0, ...characters));
    characters.fill(0);
  }

  /** Spoils the next swipes, one fault each. */
  inject(...faults: readonly SwipeFault[]): void {
    this.#faults.push(...faults);
  }

  plugged(host: EmulatedHost): void {
    this.#host = host;
  }

  unplugged(): void {
    this.#host = undefined;
  }

  control(): Uint8Array | undefined {
    return undefined;
  }

  bulkOut(): void {
    // A stripe head only speaks.
  }
}
