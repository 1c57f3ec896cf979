import { type ReadonlySignal, useSignal } from '@preact/signals';
import { page } from '@tsunagu/protocols/fleet';
import { useEffect, useRef } from 'preact/hooks';
import type { z } from 'zod';
import { ask, faultText } from '../api.ts';
import { count } from '../text/format.ts';
import { t } from '../text/index.ts';

/** A list that begins with its first page, and grows by the next when it is asked for. */
export interface Growing<Entry> {
  /** What is here; undefined until the first page is. */
  readonly entries: ReadonlySignal<readonly Entry[] | undefined>;
  readonly hasMore: boolean;
  readonly fault: ReadonlySignal<string>;
  readonly grow: () => Promise<void>;
  /** The first page again, as long as nothing has been added to it. */
  readonly refresh: () => Promise<void>;
  /** The first page again, whatever has been added to it. */
  readonly anew: () => Promise<void>;
}

/**
 * Loads a list page by page.
 *
 * @param asked path and query of the first page; another one begins the list anew, and an answer to the one before comes too late
 * @param since what else has the list begin anew when it changes
 */
export function useGrowing<Schema extends z.ZodType>(
  entry: Schema,
  asked: string,
  since = '',
): Growing<z.output<Schema>> {
  const entries = useSignal<readonly z.output<Schema>[] | undefined>(undefined);
  const next = useSignal<string | null>(null);
  const fault = useSignal('');
  const hasGrown = useSignal(false);
  const current = useRef(asked);
  current.current = asked;
  const wanted = `${asked}\n${since}`;
  /** Of which list the entries here are. */
  const shown = useRef('');
  /** Which load is the newest, and whether it is a page to be added: the answer to one before it comes too late. */
  const newest = useRef({ number: 0, isGrowing: false });

  const load = async (cursor: string | null): Promise<void> => {
    const number = newest.current.number + 1;
    newest.current = { number, isGrowing: cursor !== null };
    try {
      const more = cursor === null ? '' : `${asked.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`;
      const part = await ask(page(entry), asked + more);
      if (current.current !== asked || newest.current.number !== number) return;
      shown.current = wanted;
      entries.value = cursor === null ? part.items : [...(entries.value ?? []), ...part.items];
      next.value = part.next;
      hasGrown.value = cursor !== null;
      fault.value = '';
    } catch (error) {
      if (current.current === asked && newest.current.number === number) fault.value = faultText(error);
    } finally {
      if (newest.current.number === number) newest.current = { number, isGrowing: false };
    }
  };
  useEffect(() => {
    void load(null);
  }, [asked, since]);
  return {
    entries,
    hasMore: next.value !== null,
    fault,
    grow: async () => {
      // Pressed twice, the same page would be added twice; and while another list loads, a page of the one before.
      if (next.value !== null && shown.current === wanted && !newest.current.isGrowing) await load(next.value);
    },
    refresh: async () => {
      if (!hasGrown.value && !newest.current.isGrowing) await load(null);
    },
    anew: () => load(null),
  };
}

/** Keeps the first page of a list fresh while the page is open. */
export function useFresh({ refresh }: Pick<Growing<unknown>, 'refresh'>, everyMs: number): void {
  const latest = useRef(refresh);
  latest.current = refresh;
  useEffect(() => {
    const timer = setInterval(() => void latest.current(), everyMs);
    return () => clearInterval(timer);
  }, []);
}

/** A number of entries that are here, of which there may be more. */
export const atLeast = (entries: number, hasMore: boolean): string => `${count(entries)}${hasMore ? '+' : ''}`;

/** The button that has a list grow; nothing where all is here. */
export const More = ({ list: { hasMore, grow }, name }: { list: Growing<unknown>; name: string }) =>
  hasMore ? (
    <nav class="pager" aria-label={name}>
      <button type="button" onClick={() => void grow()}>
        {t('page.more')}
      </button>
    </nav>
  ) : null;
