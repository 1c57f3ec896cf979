import type { UsbCode } from '../port.ts';

/**
 * The fault that an exception of the `usb` package stands for. Version 3.1.0 gives every exception the code
 * `GenericFailure`, so its text is all there is; this is the one place that reads it.
 */
export function usbCodeOf(thrown: unknown): UsbCode {
  const text = thrown instanceof Error ? thrown.message : '';
  return texts.find(({ pattern }) => pattern.test(text))?.code ?? 'USB_TRANSFER_FAILED';
}

const texts: readonly { readonly pattern: RegExp; readonly code: UsbCode }[] = [
  { pattern: /sys\/bus\/usb\/devices.*not found/i, code: 'USB_NO_HOST' },
  { pattern: /cancelled/i, code: 'USB_TIMEOUT' },
  { pattern: /disconnected|no such device|errno 19/i, code: 'USB_UNPLUGGED' },
  { pattern: /busy|errno 16/i, code: 'USB_BUSY' },
  { pattern: /permission|access|errno 13/i, code: 'USB_ACCESS_DENIED' },
  { pattern: /stall/i, code: 'USB_STALLED' },
];
