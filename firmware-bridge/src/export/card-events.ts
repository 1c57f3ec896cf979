import { decodeCommand, instructionName } from '@tsunagu/protocols/apdu';

/** What happens to a card that is lent to another program. Commands are named, never shown: their data is the card's. */
export type CardEvent =
  | { readonly event: 'cardConnected' | 'cardDisconnected'; readonly peer: string }
  | { readonly event: 'cardPower'; readonly power: 'on' | 'off' | 'reset' }
  | { readonly event: 'cardCommand'; readonly instruction: string; readonly sw: string };

/** The event of one command and its response. */
export function commandEvent(command: Uint8Array, response: Uint8Array | undefined): CardEvent {
  const read = decodeCommand(command);
  const instruction = read.ok ? instructionName(read.value.cla, read.value.ins)?.name : undefined;
  return {
    event: 'cardCommand',
    instruction: instruction ?? Buffer.from(command.subarray(1, 2)).toString('hex').toUpperCase(),
    sw: response === undefined ? '' : Buffer.from(response.subarray(-2)).toString('hex').toUpperCase(),
  };
}
