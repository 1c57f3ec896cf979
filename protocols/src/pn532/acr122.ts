import { command, type CommandApdu, type ResponseApdu } from '../apdu/index.ts';
import { fail, ok, type Result } from '../kit/index.ts';
import type { FrameCode } from './frame.ts';

/** An ACR122U carries commands to its PN532 in a pseudo-APDU, over XfrBlock or Escape. ACS ACR122U API 2.04, 6.1. */
export const wrapForAcr122 = (pn532Command: Uint8Array): CommandApdu => command(0xff, 0, 0, 0, pn532Command);

/** Takes the chip's answer out of the reader's; 6300 means that the chip was silent. */
export function unwrapFromAcr122({ sw, data }: ResponseApdu): Result<Uint8Array, FrameCode> {
  if (sw !== 0x9000) return fail('FRAME_INVALID', { field: 'SW', facts: { sw: sw.toString(16).toUpperCase() } });
  return ok(data);
}

/** Asks for the reader's firmware text; its answer is ASCII without a status word. 6.6. */
export const acr122Firmware: CommandApdu = command(0xff, 0x00, 0x48, 0x00, undefined, 256);

/** Sets what the reader polls for by itself; 7F leaves all polling to the host. 6.5. */
export const setAcr122Polling = (parameter: number): CommandApdu =>
  command(0xff, 0x00, 0x51, parameter, undefined, 256);

/** Lights the two-colour LED and sounds the buzzer. Times in units of 100 ms. 6.2. */
export const setAcr122Light = (
  state: number,
  onTime: number,
  offTime: number,
  repeats: number,
  buzzer: number,
): CommandApdu => command(0xff, 0x00, 0x40, state, Uint8Array.of(onTime, offTime, repeats, buzzer));
