import { crc32 } from 'node:zlib';

/** Bytes of a page: a FeliCa block. */
export const pageBytes = 16;
/** Pages that one commit changes at most. */
const pagesMax = 4;
const headerBytes = 5;
const entryBytes = 1 + pageBytes;

/** The memory of a card: pages, and behind them a journal of the pages that are being changed. */
export interface Pages {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** A page and what it will hold. */
export interface PageChange {
  readonly page: number;
  readonly bytes: Uint8Array;
}

/** One write of a real memory, which the loss of power may cut at any byte. */
export interface MemoryWrite {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** A memory of zeros. */
export const emptyPages = (count: number): Pages => ({
  bytes: new Uint8Array(count * pageBytes + headerBytes + pagesMax * entryBytes),
  count,
});

export const pageOf = ({ bytes }: Pages, page: number): Uint8Array =>
  bytes.slice(page * pageBytes, (page + 1) * pageBytes);

/**
 * The writes that change several pages as one: the journal's entries, its header (from here on the change holds), the pages, the
 * header cleared. After a cut at any byte `recover` gives the old pages or the new ones.
 */
export function commitWrites(pages: Pages, changes: readonly PageChange[]): readonly MemoryWrite[] {
  if (changes.length === 0 || changes.length > pagesMax) throw new Error('a commit changes one to four pages');
  const journalAt = pages.count * pageBytes;
  const entries = new Uint8Array(changes.length * entryBytes);
  changes.forEach(({ page, bytes }, index) => {
    entries[index * entryBytes] = page;
    entries.set(bytes, index * entryBytes + 1);
  });
  const header = new Uint8Array(headerBytes);
  header[0] = changes.length;
  new DataView(header.buffer).setUint32(1, crc32(entries));
  return [
    { at: journalAt + headerBytes, bytes: entries },
    { at: journalAt, bytes: header },
    ...changes.map(({ page, bytes }) => ({ at: page * pageBytes, bytes })),
    { at: journalAt, bytes: new Uint8Array(headerBytes) },
  ];
}

/** The memory after a write, or after as many bytes of it as power lasted for. */
export function applyWrite(pages: Pages, { at, bytes }: MemoryWrite, lasts: number = bytes.length): Pages {
  const next = Uint8Array.from(pages.bytes);
  next.set(bytes.subarray(0, lasts), at);
  return { ...pages, bytes: next };
}

/** Power comes on: a change whose journal is whole is done again, one whose journal is torn never was. */
export function recover(pages: Pages): Pages {
  const journalAt = pages.count * pageBytes;
  const header = pages.bytes.subarray(journalAt, journalAt + headerBytes);
  const count = header[0] ?? 0;
  if (count === 0 || count > pagesMax) return pages;
  const from = journalAt + headerBytes;
  const entries = pages.bytes.subarray(from, from + count * entryBytes);
  const checksum = new DataView(header.buffer, header.byteOffset, headerBytes).getUint32(1);
  const next = Uint8Array.from(pages.bytes);
  if (checksum === crc32(entries))
    for (let index = 0; index < count; index++) {
      const entry = entries.subarray(index * entryBytes, (index + 1) * entryBytes);
      next.set(entry.subarray(1), (entry[0] ?? 0) * pageBytes);
    }
  next.fill(0, journalAt, from);
  return { ...pages, bytes: next };
}
