import { fail, ok, type Result } from '../kit/index.ts';

/** PIN block formats of ISO 9564-1:2017, 9.3 to 9.5. */
export type PinBlockFormat = 0 | 1 | 2 | 3 | 4;

/** Whether a number is a PIN block format. */
export const isPinBlockFormat = (value: unknown): value is PinBlockFormat =>
  value === 0 || value === 1 || value === 2 || value === 3 || value === 4;

/** Checks a PIN: 4 to 12 decimal digits. ISO 9564-1:2017, 8.1. */
export const checkPin = (pin: string): Result<string, 'PINBLOCK_PIN_INVALID'> =>
  /^\d{4,12}$/.test(pin) ? ok(pin) : fail('PINBLOCK_PIN_INVALID', { field: 'pin' });

/** The PAN field of formats 0 and 3: the 12 rightmost digits without the check digit, zeros in front. ISO 9564-1:2017, 9.3.2.3. */
export const panField03 = (pan: string): Result<Uint8Array, 'PINBLOCK_PAN_INVALID'> =>
  /^\d{13,19}$/.test(pan)
    ? ok(nibbles(`0000${pan.slice(-13, -1)}`))
    : fail('PINBLOCK_PAN_INVALID', { field: 'pan', facts: { digits: pan.length } });

/** The PAN field of format 4: the length beyond 12 as a nibble, the PAN (left-padded with zeros to 12), zeros to 16 bytes. ISO 9564-1:2017, 9.4.2.4. */
export const panField4 = (pan: string): Result<Uint8Array, 'PINBLOCK_PAN_INVALID'> =>
  /^\d{1,19}$/.test(pan)
    ? ok(nibbles(`${Math.max(0, pan.length - 12)}${pan.padStart(12, '0')}`.padEnd(32, '0')))
    : fail('PINBLOCK_PAN_INVALID', { field: 'pan', facts: { digits: pan.length } });

/** Bytes of an even number of hexadecimal digits that are known to be such. */
export const nibbles = (digits: string): Uint8Array => Uint8Array.from(Buffer.from(digits, 'hex'));
