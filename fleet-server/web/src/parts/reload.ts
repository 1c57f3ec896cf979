import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError } from '../api.ts';
import { t } from '../text/index.ts';

/** What went wrong, in the reader's language. */
export const faultText = (error: unknown): string =>
  error instanceof ApiError && error.message !== '' ? error.message : t('error.network');

/** Loads now and every so often while the page is open. */
export function useReload(
  load: () => Promise<void>,
  everyMs: number,
): { readonly fault: ReadonlySignal<string>; readonly again: () => Promise<void> } {
  const fault = useSignal('');
  const again = async (): Promise<void> => {
    try {
      await load();
      fault.value = '';
    } catch (error) {
      fault.value = faultText(error);
    }
  };
  useEffect(() => {
    void again();
    const timer = setInterval(() => void again(), everyMs);
    return () => clearInterval(timer);
  }, []);
  return { fault, again };
}

/** Orders something; `said` tells what came of it. */
export function useOrder(): {
  readonly said: ReadonlySignal<{ readonly text: string; readonly isFailure: boolean } | undefined>;
  readonly isSending: ReadonlySignal<boolean>;
  readonly order: (work: () => Promise<string>) => Promise<void>;
} {
  const said = useSignal<{ readonly text: string; readonly isFailure: boolean } | undefined>(undefined);
  const isSending = useSignal(false);
  return {
    said,
    isSending,
    async order(work) {
      isSending.value = true;
      try {
        said.value = { text: await work(), isFailure: false };
      } catch (error) {
        said.value = { text: faultText(error), isFailure: true };
      } finally {
        isSending.value = false;
      }
    },
  };
}
