import type { Fault } from '@tsunagu/protocols/kit';
import type { SwitchRooms } from '../ports.ts';

/** What happens around every sign-off: requests that were on their way are answered 910. */
const usual: ReadonlySet<string> = new Set(['LINK_NOT_SIGNED_ON']);

/** Tells a person that frames or messages of a link are refused: wrong MACs, what nobody can read, keys that are none. */
export function raiseRefused({ alarm }: Pick<SwitchRooms, 'alarm'>, link: string, fault: Fault): void {
  if (!usual.has(fault.code)) alarm({ place: link, serial: undefined, fault });
}
