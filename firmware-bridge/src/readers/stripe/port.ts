import type { Result } from '@tsunagu/protocols/kit';
import type { ReaderCode } from '../codes.ts';
import type { Track2 } from './track2.ts';

/** A head for magnetic stripes. */
export interface StripeReader {
  readonly kind: 'stripe';
  readonly name: string;
  /** Waits for a swipe; READER_CARD_ABSENT when none comes in time, STRIPE_UNREADABLE when it was read badly. */
  swipe(timeoutMs: number): Promise<Result<Track2, ReaderCode>>;
  close(): Promise<void>;
}
