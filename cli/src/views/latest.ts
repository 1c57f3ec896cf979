import { useRef, useState } from 'react';

/** State that a key handler reads as it is now, not as it was drawn: two keys may come between two frames. */
export function useLatest<T>(first: T): [() => T, (value: T) => void] {
  const latest = useRef(first);
  const [, redraw] = useState(first);
  return [
    () => latest.current,
    (value) => {
      latest.current = value;
      redraw(() => value);
    },
  ];
}
