import { converse, nameOf, type PeerAddress } from '../export/peer.ts';
import { VpcdCard } from '../export/vpcd/vpcd-card.ts';
import { VscardCard } from '../export/vscard/vscard-card.ts';
import { chipCardNamed } from './cards.ts';
import { type Ending, failed, type Shell } from './shell.ts';

/** What `emulate card` was asked for. */
export interface EmulateCardOptions {
  readonly card: string;
  /** Whose reader it is put into: pcscd's virtual one, or QEMU's. */
  readonly into: 'vpcd' | 'vscard';
  readonly peer: PeerAddress;
  readonly reconnect: boolean;
}

/** Lends an emulated card to another program until that closes the connection, or until told to end. */
export async function emulateCard(shell: Shell, { card, into, peer, reconnect }: EmulateCardOptions): Promise<Ending> {
  const made = chipCardNamed(card);
  if (!made.ok) return failed(shell, made.fault);
  const Line = into === 'vpcd' ? VpcdCard : VscardCard;
  const lent = new Line(made.value.card, made.value.atr, nameOf(peer), (event) => shell.say(event));
  shell.say({ event: 'ready' });
  const ended = await converse(shell.world, peer, lent, { reconnect, signal: shell.signal });
  return ended.ok ? 0 : failed(shell, ended.fault);
}
