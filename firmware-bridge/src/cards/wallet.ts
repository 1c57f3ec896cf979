import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fail, hex, ok, type Result, toHex } from '@tsunagu/protocols/kit';
import type { Clock } from '@tsunagu/protocols/world';
import { z } from 'zod';
import { holdFile } from '../sealed-store/index.ts';
import { emptyPages, type Pages } from './felica/pages.ts';

/**
 * Where emulated transit cards are between two contacts. A card is one thing: it lies at one antenna at a time, and what it wrote it has
 * kept, whatever becomes of the terminal.
 */
export interface CardWallet {
  /** Takes a card out. Undefined: it is as it was issued. CARD_ELSEWHERE: it lies at another terminal just now. */
  take(name: string): Result<Pages | undefined, 'CARD_ELSEWHERE'>;
  /** What the card holds now; kept when this returns. */
  keep(name: string, pages: Pages): void;
  giveBack(name: string): void;
}

/** A wallet in memory. */
export function pocket(): CardWallet {
  const pages = new Map<string, Pages>();
  return {
    take: (name) => ok(pages.get(name)),
    keep: (name, now) => void pages.set(name, now),
    giveBack: () => undefined,
  };
}

const kept = z.object({ v: z.literal(1), count: z.number().int().min(1).max(255), pages: z.string().max(8_192) });
/** A card that nobody gave back in this time was in a terminal that died: it is free again. */
const forgottenMs = 60_000;

/** A wallet in a folder, for terminals in several threads: a file for a card, and one beside it while the card is out. */
export function folderWallet(folder: string, clock: Clock): CardWallet {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = (name: string): string => join(folder, `${name}.json`);
  const out = (name: string): string => join(folder, `${name}.out`);
  /** Whoever took it has had it for longer than anybody holds a card. */
  const isForgotten = (name: string): boolean => {
    const since = statSync(out(name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return clock.now() - since >= forgottenMs;
  };
  return {
    take(name) {
      if (!holdFile(out(name))) {
        if (!isForgotten(name)) return fail('CARD_ELSEWHERE');
        rmSync(out(name), { force: true });
        if (!holdFile(out(name))) return fail('CARD_ELSEWHERE');
      }
      return ok(read(file(name)));
    },
    keep(name, { bytes, count }) {
      const next = `${file(name)}.next`;
      const handle = openSync(next, 'w', 0o600);
      try {
        writeSync(handle, JSON.stringify({ v: 1, count, pages: toHex(bytes) }));
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(next, file(name));
    },
    giveBack: (name) => rmSync(out(name), { force: true }),
  };
}

/** A card that was never written, or whose file is none, is as it was issued: its centre tells when that is not so. */
function read(path: string): Pages | undefined {
  try {
    const stored = kept.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (!stored.success) return undefined;
    const bytes = hex(stored.data.pages);
    return bytes.length === emptyPages(stored.data.count).bytes.length
      ? { bytes, count: stored.data.count }
      : undefined;
  } catch {
    return undefined;
  }
}
