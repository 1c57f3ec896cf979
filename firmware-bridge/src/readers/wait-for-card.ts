import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Clock } from '@tsunagu/protocols/world';
import type { ReaderCode } from './codes.ts';
import type { SlotState } from './port.ts';

/** How a reader is watched for a card. */
export interface CardWatch {
  readonly state: () => Promise<Result<SlotState, ReaderCode>>;
  /** Whether the reader was closed meanwhile. */
  readonly isClosed: () => boolean;
  /** Waits until something may have changed, at most so long. */
  readonly pause: (ms: number) => Promise<Result<void, ReaderCode>>;
}

/** Asks a reader again and again until a card is there; READER_CARD_ABSENT when none comes within `timeoutMs`. */
export async function waitForCard(
  clock: Clock,
  { state, isClosed, pause }: CardWatch,
  timeoutMs: number,
): Promise<Result<void, ReaderCode>> {
  const end = clock.monotonicMs() + timeoutMs;
  for (;;) {
    const now = await state();
    if (!now.ok) return now;
    if (now.value !== 'absent') return ok(undefined);
    const leftMs = end - clock.monotonicMs();
    if (leftMs <= 0 || isClosed()) return fail('READER_CARD_ABSENT');
    const paused = await pause(leftMs);
    if (!paused.ok) return paused;
  }
}
