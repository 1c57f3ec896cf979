import { type ReadonlySignal, useSignal } from '@preact/signals';
import { type ComponentChildren, createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { ApiError, faultText } from '../api.ts';

/** What the server refused of a form, and at which of its places it is told. */
interface PlacedFault {
  readonly at: string;
  readonly text: string;
}

const Placed = createContext<ReadonlySignal<PlacedFault | undefined> | undefined>(undefined);

/** Tells what is refused of a form next to the field that is at fault: the one whose place is named, or the nearest around it. */
export function useFaults(): {
  readonly fault: ReadonlySignal<PlacedFault | undefined>;
  readonly clear: () => void;
  readonly tell: (form: HTMLElement, error: unknown) => void;
} {
  const fault = useSignal<PlacedFault | undefined>(undefined);
  return {
    fault,
    clear: () => (fault.value = undefined),
    tell(form, error) {
      // A query names where in it the fault is, too: `target:12`.
      const [field = '', offset] = (error instanceof ApiError ? error.field : '').split(':');
      const places = [...form.querySelectorAll<HTMLElement>('[data-at]')]
        .map((element) => ({ element, at: element.dataset['at'] ?? '' }))
        .filter(({ at }) => field === at || field.startsWith(`${at}.`))
        .toSorted((one, other) => other.at.length - one.at.length);
      const [nearest] = places;
      fault.value = { at: nearest?.at ?? '', text: faultText(error) };
      const input = nearest?.element.querySelector<HTMLInputElement>('input, select, textarea');
      input?.focus();
      if (offset !== undefined && input?.type === 'text') input.setSelectionRange(Number(offset), Number(offset));
    },
  };
}

/** The form whose places these faults are told at. */
export const FaultsOf = ({
  of,
  children,
}: {
  of: ReadonlySignal<PlacedFault | undefined>;
  children: ComponentChildren;
}) => <Placed.Provider value={of}>{children}</Placed.Provider>;

/** A place of a form, with what is refused there; `''` is the form itself. */
export function Place({ at, children }: { at: string; children?: ComponentChildren }) {
  const fault = useContext(Placed)?.value;
  return (
    <div class="place" data-at={at === '' ? undefined : at}>
      {children}
      {fault?.at === at && (
        <p role="alert" class="failure">
          {fault.text}
        </p>
      )}
    </div>
  );
}
