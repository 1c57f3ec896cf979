import { hex, Secret } from '../kit/index.ts';

/** A fictional transit card, as its centre issues it. */
export interface TransitCardData {
  readonly name: string;
  /** Manufacturer code 0114 is used by card emulators: no such card was ever made. 8 bytes. */
  readonly idm: string;
  /** Response times: those of a card that answers at once. 8 bytes. */
  readonly pmm: string;
  /** Yen. */
  readonly balance: number;
  /** It was issued by somebody else: its key is not the centre's. */
  readonly isStrange?: boolean;
}

const pmm = '0F0F0F0F0F0F0F0F';

/** The transit cards. */
export const transitCardData = [
  { name: 'transit', idm: '0114545355000001', pmm, balance: 3_000 },
  { name: 'transit-empty', idm: '0114545355000002', pmm, balance: 0 },
  { name: 'transit-full', idm: '0114545355000003', pmm, balance: 20_000 },
  // To be put on a negative list: its number (`transitNumber`) is 9392392716885082116.
  { name: 'transit-listed', idm: '0114545355000004', pmm, balance: 3_000 },
  // No card of this centre: somebody else's master key is in it.
  { name: 'transit-strange', idm: '0114545355000005', pmm, balance: 3_000, isStrange: true },
] as const satisfies readonly TransitCardData[];

/** Names of the transit cards. */
export type TransitCardName = (typeof transitCardData)[number]['name'];

/** Whether a text is the name of a transit card. */
export const isTransitCardName = (name: string): name is TransitCardName =>
  transitCardData.some((known) => known.name === name);

/** A transit card by its name. */
export function transitCard(name: TransitCardName): TransitCardData {
  const data = transitCardData.find((known) => known.name === name);
  if (data === undefined) throw new Error(`no such card: ${name}`);
  return data;
}

/** The fictional centre's master key, made afresh; card keys hang on it (`transitCardKey`). */
export const transitMasterKey = (): Secret<'key'> => Secret.take('key', hex('54737567756E61675472616E73697421'));
