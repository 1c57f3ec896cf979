import {
  decodeTransitAttributes,
  encodeTransitAttributes,
  encodeTransitEntry,
  type TransitTransfer,
  transitAttributeService,
  transitBalanceMax,
  transitHistoryService,
  transitSystemCode,
} from '@tsunagu/protocols/felica';
import { emptyPages, type PageChange, type Pages, pageBytes, pageOf } from './pages.ts';

/** How a service lets its blocks be used: the low six bits of its code. FeliCa Card User's Manual, 3.4 (service attribute). */
export const attributeOf = (service: number): { readonly isOpen: boolean; readonly isReadOnly: boolean } => {
  const attribute = service & 0x3f;
  // Random 08-0B, cyclic 0C-0F: bit 1 of the code means that no key is needed, bit 2 that nothing is written.
  return { isOpen: (attribute & 0x01) === 1, isReadOnly: (attribute & 0x02) !== 0 };
};

/** A memo that anybody may read and write without keys: random access, two blocks. Ours, for tests of writing. */
export const memoService = 0x1009;
/** Key version of every node (answer to Request Service). */
export const keyVersion = 0x0001;

const historyBlocks = 20;
const memoBlocks = 2;

/** Page numbers: attributes, history (a ring), what only the card reads, the memo. */
const at = {
  attributes: 0,
  history: 1,
  state: 1 + historyBlocks,
  draws: 2 + historyBlocks,
  memo: 3 + historyBlocks,
} as const;
const pageCount = at.memo + memoBlocks;

/** One system of the card, with its services and how many blocks each has. */
export interface FelicaSystem {
  readonly systemCode: number;
  readonly services: ReadonlyMap<number, number>;
}

/** The systems: transit, and the common area, where the memo is. */
export const systems: readonly FelicaSystem[] = [
  {
    systemCode: transitSystemCode,
    services: new Map([
      [transitAttributeService, 1],
      [transitHistoryService, historyBlocks],
    ]),
  },
  { systemCode: 0xfe00, services: new Map([[memoService, memoBlocks]]) },
];

/** What the card counts, on a page that no service shows. */
export interface TransitCounters {
  /** Transfers taken. */
  readonly counter: number;
  /** Uses, as the history numbers them; 24 bits. */
  readonly serial: number;
  /** Slot of the ring that is newest. */
  readonly newest: number;
  /** Number of the last transfer, 8 bytes. */
  readonly lastTransfer: Uint8Array;
}

/** Reads the counters. */
export function countersOf(pages: Pages): TransitCounters {
  const page = pageOf(pages, at.state);
  const view = new DataView(page.buffer);
  return {
    counter: view.getUint32(0),
    serial: view.getUint32(4) >>> 8,
    newest: page[7] ?? 0,
    lastTransfer: page.slice(8),
  };
}

function countersPage({ counter, serial, newest, lastTransfer }: TransitCounters): Uint8Array {
  const page = new Uint8Array(pageBytes);
  const view = new DataView(page.buffer);
  view.setUint32(0, counter);
  view.setUint32(4, ((serial << 8) | newest) >>> 0);
  page.set(lastTransfer, 8);
  return page;
}

/** Yen on the card. */
export function balanceOf(pages: Pages): number {
  const read = decodeTransitAttributes(pageOf(pages, at.attributes));
  return read.ok ? read.value.balance : 0;
}

/** How many nonces were drawn; the page that counts them is written before one leaves. */
export const drawsOf = (pages: Pages): number => new DataView(pageOf(pages, at.draws).buffer).getUint32(0);

/** The change that counts one nonce more. */
export function drawChange(pages: Pages): PageChange {
  const bytes = new Uint8Array(pageBytes);
  new DataView(bytes.buffer).setUint32(0, drawsOf(pages) + 1);
  return { page: at.draws, bytes };
}

/** The memory of a card as it is issued: a balance, no history. */
export function issuedPages(balance: number): Pages {
  const pages = emptyPages(pageCount);
  pages.bytes.set(encodeTransitAttributes({ balance, serial: 0 }), at.attributes * pageBytes);
  return pages;
}

/** The pages that a transfer changes together: balance, a history row, the counters. Undefined when the balance leaves its range. */
export function transferChanges(pages: Pages, transfer: TransitTransfer): readonly PageChange[] | undefined {
  const counters = countersOf(pages);
  const { kind, amount, number, terminal, process, date, places, region } = transfer;
  const balance = balanceOf(pages) + (kind === 'charge' ? amount : -amount);
  if (amount < 1 || amount > transitBalanceMax || balance < 0 || balance > transitBalanceMax) return undefined;
  const serial = (counters.serial + 1) & 0xffffff;
  const newest = (counters.newest + 1) % historyBlocks;
  const row = encodeTransitEntry({ terminal, process, date, places, balance, serial, region });
  return [
    { page: at.attributes, bytes: encodeTransitAttributes({ balance, serial: serial & 0xffff }) },
    { page: at.history + newest, bytes: row },
    { page: at.state, bytes: countersPage({ counter: counters.counter + 1, serial, newest, lastTransfer: number }) },
  ];
}

/** Which page holds a block of a service: block 0 of the history is the newest row. Undefined when there is no such block. */
export function pageOfBlock(pages: Pages, system: FelicaSystem, service: number, block: number): number | undefined {
  if (block >= (system.services.get(service) ?? 0)) return undefined;
  if (service === transitAttributeService) return at.attributes;
  if (service === memoService) return at.memo + block;
  return at.history + ((countersOf(pages).newest + historyBlocks - block) % historyBlocks);
}
