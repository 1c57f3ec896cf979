import { models, type ReaderKind } from '@tsunagu/protocols/catalogue';
import {
  portOf,
  realCard,
  realStripe,
  type RegisterTerminal,
  registerTerminal,
  portOffsets,
} from '@tsunagu/protocols/fleet';

/** A terminal of the emulated fleet, before it is registered. */
interface Planned {
  readonly serial: string;
  readonly model: string;
  readonly place: RegisterTerminal['place'];
  readonly parent?: string;
}

const shop = (name: string, lane: string) => ({ merchant: '喫茶つなぐ', shop: name, lane });

/** Eight models, from the first shared terminal (1996) to the newest of the source document (2016); a parent with two children. */
const first: readonly Planned[] = [
  { serial: 'CATS200-0001', model: 'CATS200', place: shop('銀座本店', '1') },
  { serial: 'CATS220-0001', model: 'CATS220', place: shop('銀座本店', '2') },
  { serial: 'CATS240-0001', model: 'CATS240', place: shop('梅田店', '1') },
  { serial: 'CT3100-0001', model: 'CT-3100', place: shop('築地市場店', '親機') },
  { serial: 'JETHANDY-0001', model: 'JET-HANDY', place: shop('築地市場店', '子機1'), parent: 'CT3100-0001' },
  { serial: 'JTC07-0001', model: 'JT-C07', place: shop('築地市場店', '子機2'), parent: 'CT3100-0001' },
  { serial: 'JTC17-0001', model: 'JT-C17', place: shop('札幌駅店', '1') },
  { serial: 'CT5100-0001', model: 'CT-5100', place: shop('博多店', '1') },
];

const shops = ['横浜店', '名古屋店', '京都店', '神戸店', '仙台店', '広島店', '那覇店', '金沢店'];

/** Further terminals walk through the catalogue; each stands alone. */
const further = (index: number): Planned => {
  const model = models[index % models.length];
  if (!model) throw new Error('the catalogue is empty');
  const serial = `${model.id.replaceAll('-', '').toUpperCase()}-${String(index + 100).padStart(4, '0')}`;
  return {
    serial,
    model: model.id,
    place: shop(shops[index % shops.length] ?? '', String(Math.floor(index / shops.length) + 1)),
  };
};

/**
 * The emulated fleet of `count` terminals: the first eight, then the catalogue over and over. A parent is always before
 * its children. With fewer than eight, children whose parent is left out are left out as well.
 * Where first keys come in injection runs only, they begin in the warehouse, from where a run takes them.
 */
export function planFleet(count: number, portBase: number, lifecycle?: 'warehouse'): readonly RegisterTerminal[] {
  const planned = [
    ...first.slice(0, count),
    ...Array.from({ length: Math.max(0, count - first.length) }, (_, index) => further(index)),
  ];
  const parents = planned
    .filter((terminal) => planned.some((other) => other.parent === terminal.serial))
    .map((terminal) => terminal.serial);
  return planned.map(({ parent, ...terminal }) =>
    registerTerminal.parse(
      parent === undefined
        ? { ...terminal, lifecycle }
        : { ...terminal, lifecycle, parent, relayPort: portOf(portBase, 'relay') + parents.indexOf(parent) },
    ),
  );
}

/** How far above its base a house may listen; the next house needs a base this much higher. */
export const portSpan = portOffsets.relay + 10;

/** A card for each kind of reader, the liveliest first. */
const cardsToTry: readonly (readonly [ReaderKind, string])[] = [
  ['contactless', 'visa-contactless'],
  ['contact', 'visa-contact'],
  ['stripe', 'visa-stripe'],
];

/** A sale that the fleet can make, for whoever has just started it: the newest of the first eight models, with a card that it can read. */
export function saleToTry(
  fleet: readonly RegisterTerminal[],
  realReaders: readonly string[],
): { readonly serial: string; readonly card: string } | undefined {
  for (const [kind, card] of cardsToTry) {
    const found = fleet
      .slice(0, first.length)
      .findLast(({ model }) => models.find(({ id }) => id === model)?.readers.includes(kind));
    if (found === undefined) continue;
    // Where its reader is real, its cards have no names.
    const isReal = realReaders.some((value) => value.startsWith(`${found.serial}=`));
    return { serial: found.serial, card: !isReal ? card : kind === 'stripe' ? realStripe : realCard };
  }
  return undefined;
}
