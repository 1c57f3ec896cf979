import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import type { World } from '@tsunagu/protocols/world';
import type { CardWallet } from '../cards/index.ts';
import type { Readers } from '../readers/port.ts';
import { openRealReaders, type ReaderPlace } from '../readers/real.ts';
import { type EmulatedStation, openEmulatedStation } from '../readers/station.ts';
import { EmulatedCustomer } from './emulated-hand.ts';
import type { CardHand } from './hand.ts';
import { PersonAtReader } from './person-hand.ts';

/** Who brings cards to which readers: an emulated customer, unless the readers are real. @param at readers that are open already */
export function openCardHand(
  options: {
    readonly world: World;
    readonly model: TerminalModel;
    readonly wallet?: CardWallet | undefined;
    readonly readers?: ReaderPlace | undefined;
  },
  at?: EmulatedStation | Readers,
): CardHand {
  const { world, model, wallet, readers } = options;
  if (at !== undefined && !('emulated' in at)) return new PersonAtReader(world, model, at);
  if (readers !== undefined) return new PersonAtReader(world, model, openRealReaders(world, readers));
  return new EmulatedCustomer(at ?? openEmulatedStation(world, model), model, wallet);
}
