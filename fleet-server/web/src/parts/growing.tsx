import { type ReadonlySignal, useSignal } from '@preact/signals';
import { page } from '@tsunagu/protocols/fleet';
import { useEffect, useRef } from 'preact/hooks';
import type { z } from 'zod';
import { ask, faultText } from '../api.ts';
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

  const load = async (cursor: string | null): Promise<void> => {
    try {
      const more = cursor === null ? '' : `${asked.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`;
      const part = await ask(page(entry), asked + more);
      if (current.current !== asked) return;
      entries.value = cursor === null ? part.items : [...(entries.value ?? []), ...part.items];
      next.value = part.next;
      hasGrown.value = cursor !== null;
      fault.value = '';
    } catch (error) {
      if (current.current === asked) fault.value = faultText(error);
    }
  };
  useEffect(() => {
    void load(null);
  }, [asked, since]);
  return {
    entries,
    hasMore: next.value !== null,
    fault,
    grow: () => load(next.value),
    refresh: async () => {
      if (!hasGrown.value) await load(null);
    },
  };
}

/** The button that has a list grow; nothing where all is here. */
export const More = ({ list: { hasMore, grow }, name }: { list: Growing<unknown>; name: string }) =>
  hasMore ? (
    <nav class="pager" aria-label={name}>
      <button type="button" onClick={() => void grow()}>
        {t('page.more')}
      </button>
    </nav>
  ) : null;
