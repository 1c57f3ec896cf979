import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { UsbDevice } from '../../usb/port.ts';
import type { ReaderCode } from '../port.ts';
import type { StripeReader } from './port.ts';
import { readTrack2, type Track2 } from './track2.ts';

/**
 * A stripe head on USB, vendor class: each swipe is one transfer on the interrupt endpoint, a status byte (0 read, 1 unreadable)
 * and the characters of track 2 from start sentinel to LRC.
 */
export const stripeHead = { vendorId: 0x0e0f, productId: 0x0006, interfaceNumber: 0, interruptIn: 1 } as const;

/** The longest report, bytes: status, 40 characters, rounded up. */
const reportBytesMax = 64;

/** The driver of a stripe head. */
export class UsbStripeReader implements StripeReader {
  readonly kind = 'stripe';
  readonly name: string;
  readonly #device: UsbDevice;

  constructor(device: UsbDevice) {
    this.#device = device;
    this.name = `stripe ${device.info.id}`;
  }

  async swipe(timeoutMs: number): Promise<Result<Track2, ReaderCode>> {
    const read = await this.#device.interruptIn(stripeHead.interruptIn, reportBytesMax, timeoutMs);
    if (!read.ok) return read.fault.code === 'USB_TIMEOUT' ? fail('READER_CARD_ABSENT') : read;
    const [status] = read.value;
    return status === 0 ? readTrack2(read.value.subarray(1)) : fail('STRIPE_UNREADABLE');
  }

  close(): Promise<void> {
    return this.#device.close();
  }
}

/** Opens a device as a stripe head. */
export async function openStripe(device: UsbDevice): Promise<Result<UsbStripeReader, ReaderCode>> {
  const claimed = await device.claim(stripeHead.interfaceNumber);
  return claimed.ok ? ok(new UsbStripeReader(device)) : claimed;
}
