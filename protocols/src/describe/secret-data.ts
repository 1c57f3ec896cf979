import { type CommandApdu, decodeCommand } from '../apdu/index.ts';
import { toHex } from '../kit/index.ts';
import { hidden } from './mask.ts';
import type { Shown } from './line.ts';

/** Instructions whose data is a PIN or a key, whatever the class: VERIFY, CHANGE and RESET, LOAD KEYS. */
export const isSecretData = ({ cla, ins }: Pick<CommandApdu, 'cla' | 'ins'>): boolean =>
  ins === 0x20 || ins === 0x24 || ins === 0x2c || (cla === 0xff && ins === 0x82);

/**
 * A command inside an issuer script (86) whose data must not be shown: its header alone. What is no command, or has no secret in
 * it, is undefined. EMV 4.3 Book 3, 10.10.
 */
export function hiddenScriptCommand(value: Uint8Array): Shown | undefined {
  const [cla = 0, ins = 0] = value;
  if (!isSecretData({ cla, ins })) return undefined;
  const command = decodeCommand(value);
  const header = toHex(value.subarray(0, 4));
  const rest = hidden(command.ok ? command.value.data.length : Math.max(0, value.length - 4));
  return { ...rest, text: `${header} ${rest.text}` };
}
