import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { faultText } from '../api.ts';
import type { SaidOf } from './index.tsx';

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

/** Orders something; `said` tells what came of it: words where it did what it should, else also whether that is a failure. */
export function useOrder(): {
  readonly said: ReadonlySignal<SaidOf>;
  readonly isSending: ReadonlySignal<boolean>;
  readonly order: (work: () => Promise<string | NonNullable<SaidOf>>) => Promise<void>;
} {
  const said = useSignal<SaidOf>(undefined);
  const isSending = useSignal(false);
  return {
    said,
    isSending,
    async order(work) {
      isSending.value = true;
      try {
        const told = await work();
        said.value = typeof told === 'string' ? { text: told, isFailure: false } : told;
      } catch (error) {
        said.value = { text: faultText(error), isFailure: true };
      } finally {
        isSending.value = false;
      }
    },
  };
}
