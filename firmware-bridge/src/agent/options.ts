import type { Serial } from '@tsunagu/protocols/fleet';
import type { Fault } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Vitals } from '../jobs/index.ts';
import type { Link, LinkOptions, secureNetwork } from '../link/index.ts';
import type { CardSide, CardSideOptions } from '../payment/index.ts';
import type { Files } from '../sealed-store/index.ts';

/** What a terminal is built of. */
export interface TerminalOptions {
  readonly world: World;
  /** The terminal's own folder; its claim bundle is in it. */
  readonly files: Files;
  readonly openCardSide: (options: CardSideOptions) => Promise<CardSide>;
  /** Somebody who buys by himself; nobody on a real terminal. */
  readonly shopper?: { readonly seed: string; readonly meanSeconds: number };
  /** For a parent: where its children find it. */
  readonly relay?: { readonly host: string; readonly port: number; readonly children: readonly Serial[] };
  /** What the device can measure of itself; nothing unless told. */
  readonly vitals?: () => Vitals;
  /** Told each time when the server will not have the terminal: for its claim, its certificate or its state. It goes on asking. */
  readonly refused?: (fault: Fault) => void;
  /** MQTT and TLS; a simulated fleet has others, and everything above them is the same. */
  readonly wires?: Wires;
}

/** What stands between a terminal and its lines. */
export interface Wires {
  readonly openLink: (options: LinkOptions) => Link;
  readonly secureNetwork: typeof secureNetwork;
}
