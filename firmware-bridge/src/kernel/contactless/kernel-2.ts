import { command } from '@tsunagu/protocols/apdu';
import { hasBit } from '@tsunagu/protocols/emv';
import { fail } from '@tsunagu/protocols/kit';
import { templateOf } from '../answers.ts';
import { type Dialogue, drawRandom, transmitTimed } from '../dialogue.ts';
import { type Bit, found, noResults, type Results, tvrBits } from '../results.ts';
import { oneCryptogram } from './one-cryptogram.ts';
import type { KernelEnd, Tap } from './tap.ts';

/**
 * Kernel 2 (Mastercard) in EMV mode: relay resistance, CDA, verification on the device or by the card's list within the limits.
 *
 * Left out: magnetic-stripe mode (COMPUTE CRYPTOGRAPHIC CHECKSUM; such a card is sent to another interface), recovery of torn transactions,
 * integrated data storage, data exchange, balance reading, MSD parameters by merchant; the relay check counts times that the reader measured, and is
 * counted as passed where it measured none.
 * @see EMV Book C-2, 6 and 7
 */
export function* kernel2(tap: Tap): Dialogue<KernelEnd> {
  const { card, limits, transaction } = tap;
  const profile = card.get(0x82) ?? new Uint8Array(2);
  // Byte 2, bit 8: EMV mode. Without it the card speaks of stripes. C-2, 6.3 (S3).
  if (!hasBit(profile, 2, 8)) return { type: 'tryAnotherInterface' };
  const isOnDevice = hasBit(profile, 1, 2);
  const limitMinor = isOnDevice ? limits.onDeviceLimitMinor : limits.transactionLimitMinor;
  if (transaction.amountMinor > limitMinor) return { type: 'selectNext', code: 'CARD_OTHER_INTERFACE' };
  const measured = hasBit(profile, 2, 1) ? yield* resistRelay(tap) : notMeasured;
  if ('type' in measured) return measured;
  return yield* oneCryptogram(tap, {
    hasStaticAndDynamic: false,
    before: measured,
    knowsOnDevice: true,
    walksListBelowLimit: true,
  });
}

const notMeasured: Results = found(noResults, tvrBits.relayResistanceNotPerformed);

/** Times of the relay resistance protocol, units of 100 µs: defaults of EMV Book C-2, table 4.3. */
const relay = {
  minimumGrace: 20,
  maximumGrace: 50,
  accuracyThreshold: 300,
  /** Expected transmission times of command and answer. */
  command: 18,
  answer: 24,
  mismatchPercent: 50,
  attemptsMax: 3,
} as const;

/** What a card says of its own times. */
interface RelayTimes {
  readonly minimum: number;
  readonly maximum: number;
  readonly transmission: number;
}

/** EXCHANGE RELAY RESISTANCE DATA, up to three times. EMV Book C-2, 3.10 (states SR1 and SR2). */
function* resistRelay(tap: Tap): Dialogue<Results | KernelEnd> {
  let bits: readonly Bit[] = [];
  for (let attempt = 1; attempt <= relay.attemptsMax; attempt++) {
    const entropy = yield* drawRandom(4);
    const { response, tookMs } = yield* transmitTimed(command(0x80, 0xea, 0x00, 0x00, entropy, 256));
    const template = templateOf(response, 0x80);
    if (!template.ok) return { type: 'endApplication', fault: template };
    if (template.value.length !== 10)
      return { type: 'endApplication', fault: fail('CARD_ANSWER_WRONG', { field: '80' }) };
    const view = template.value.value;
    const at = (offset: number): number => ((view[offset] ?? 0) << 8) | (view[offset + 1] ?? 0);
    const times: RelayTimes = { minimum: at(4), maximum: at(6), transmission: at(8) };
    tap.card.set(0xdf8302, view.subarray(0, 4));
    if (tookMs === undefined) break;
    const processing = Math.max(0, tookMs * 10 - relay.command - Math.min(times.transmission, relay.answer));
    // Quicker than the card can be: somebody answers in its place.
    if (processing < Math.max(0, times.minimum - relay.minimumGrace))
      return { type: 'endApplication', fault: fail('CARD_NOT_AUTHENTIC', { field: 'relay' }) };
    const isLate = processing > times.maximum + relay.maximumGrace;
    bits = lateness(processing, times, isLate);
    if (!isLate) break;
  }
  return found(noResults, tvrBits.relayResistancePerformed, ...bits);
}

function lateness(processing: number, { minimum, transmission }: RelayTimes, isLate: boolean): readonly Bit[] {
  const { answer, mismatchPercent, accuracyThreshold } = relay;
  const isMismatched =
    transmission !== 0 && (Math.min(transmission, answer) * 100) / Math.max(transmission, answer) < mismatchPercent;
  const isFar = Math.max(0, processing - minimum) > accuracyThreshold;
  const bits: Bit[] = [];
  if (isLate) bits.push(tvrBits.relayTimeExceeded);
  if (isMismatched || isFar) bits.push(tvrBits.relayThresholdExceeded);
  return bits;
}
