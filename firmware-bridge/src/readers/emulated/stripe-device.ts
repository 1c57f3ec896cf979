import type { Secret } from '@tsunagu/protocols/kit';
import { describeDevice } from '../../usb/descriptors.ts';
import { EmulatedUsbDevice } from '../../usb/emulated/model-base.ts';
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
export class EmulatedStripeHead extends EmulatedUsbDevice {
  readonly kind = 'stripe';
  readonly #faults: SwipeFault[] = [];

  constructor() {
    super(
      describeDevice({
        vendorId: stripeHead.vendorId,
        productId: stripeHead.productId,
        releaseBcd: 0x0100,
        speed: 'full',
        manufacturer: 'Tsunagu',
        product: 'Emulated stripe head',
        interfaces: [
          {
            class: 0xff,
            subclass: 0,
            protocol: 0,
            endpoints: [{ address: 0x80 | stripeHead.interruptIn, type: 'interrupt', packetBytes: 64, interval: 10 }],
          },
        ],
      }),
    );
  }

  /** A card is drawn through: a transfer, though from the head. @param track track 2 without sentinels, `=` as separator, ASCII. */
  swipe(track: Secret<'pan'>): void {
    if (this.isPulledIn()) return;
    const fault = this.#faults.shift();
    if (fault === 'unplug') return this.unplug();
    const characters = fault === 'unreadable' ? new Uint8Array(0) : track.use(writeTrack2);
    if (fault === 'misread') characters[3] = 0x30 + ((((characters[3] ?? 0x30) & 0x0f) + 1) % 10);
    this.send(stripeHead.interruptIn, Uint8Array.of(fault === 'unreadable' ? 1 : 0, ...characters));
    characters.fill(0);
  }

  /** Spoils the next swipes, one fault each. */
  inject(...faults: readonly SwipeFault[]): void {
    this.#faults.push(...faults);
  }

  protected onTransfer(): void {
    // A stripe head only speaks: it has no OUT endpoint.
  }
}
