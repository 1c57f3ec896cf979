import { command } from '@tsunagu/protocols/apdu';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import { templateOf } from './answers.ts';
import type { CardObjects } from './card-objects.ts';
import { askLog, type CardFacts, type Dialogue, drawRandom, note, transmit } from './dialogue.ts';
import { type Bit, found, performed, type Results, tsiBits, tvrBits } from './results.ts';
import type { KernelTerminal, KernelTransaction, RandomSelection } from './terminal.ts';
import { isOfflineOnly } from './terminal-facts.ts';

/**
 * Terminal risk management: exception file, floor limit with what the card bought before, lot, and how often the card was offline.
 * We do it whatever the card's profile says of it (82, byte 1, bit 4), as acquirers demand. EMV 4.3 Book 3, 10.6.
 */
export function* manageRisk(
  before: Results,
  card: CardObjects,
  facts: CardFacts,
  terminal: KernelTerminal,
  transaction: KernelTransaction,
  negative: NegativeAnswer,
): Dialogue<Results> {
  let results = performed(before, tsiBits.terminalRiskManaged);
  if (negative === 'listed' || negative === 'range-listed') {
    results = found(results, tvrBits.onExceptionFile);
    yield* note({ type: 'risk', what: 'exceptionFile', detail: negative });
  }
  if (transaction.isForcedOnline) results = found(results, tvrBits.forcedOnline);
  const { amountMinor } = transaction;
  const { floorLimitMinor } = terminal;
  // A terminal that never approves by itself needs no log and no lot.
  const logged = floorLimitMinor > 0 ? yield* askLog(facts) : 0;
  if (amountMinor + logged >= floorLimitMinor) {
    results = found(results, tvrBits.aboveFloorLimit);
    yield* note({ type: 'risk', what: 'floorLimit', detail: `${amountMinor} + ${logged} >= ${floorLimitMinor}` });
  } else if (!isOfflineOnly(terminal)) {
    const percent = selectionPercent(amountMinor, floorLimitMinor, terminal.randomSelection);
    const drawn = percent > 0 ? fromOneTo99(yield* drawRandom(4)) : 100;
    if (drawn <= percent) {
      results = found(results, tvrBits.selectedAtRandom);
      yield* note({ type: 'risk', what: 'random', detail: `${drawn} <= ${percent}` });
    }
  }
  return found(results, ...(yield* checkVelocity(card)));
}

/**
 * So many of a hundred sales of this amount go online: the target up to the threshold, from there on more and more.
 * EMV 4.3 Book 3, 10.6.2.
 */
export function selectionPercent(
  amountMinor: number,
  floorLimitMinor: number,
  { targetPercent, maxPercent, thresholdMinor }: RandomSelection,
): number {
  if (amountMinor < thresholdMinor || floorLimitMinor <= thresholdMinor) return targetPercent;
  const factor = (amountMinor - thresholdMinor) / (floorLimitMinor - thresholdMinor);
  return (Math.max(maxPercent, targetPercent) - targetPercent) * factor + targetPercent;
}

/** A number from 1 to 99 out of four random bytes; 2^32 leaves a bias of less than one in forty million. */
const fromOneTo99 = (bytes: Uint8Array): number =>
  (new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) % 99) + 1;

/**
 * How many times the card was offline since it last was online, against its own limits (9F14, 9F23). Cards without both limits are not
 * asked. EMV 4.3 Book 3, 10.6.3.
 */
function* checkVelocity(card: CardObjects): Dialogue<readonly Bit[]> {
  const [lower] = card.get(0x9f14) ?? [];
  const [upper] = card.get(0x9f23) ?? [];
  if (lower === undefined || upper === undefined) return [];
  const counter = yield* readCounter(0x9f36);
  const lastOnline = yield* readCounter(0x9f13);
  // Also of a card that does not give its transaction counter.
  const isNew = lastOnline === 0 ? [tvrBits.newCard] : [];
  if (counter === undefined || lastOnline === undefined) {
    yield* note({ type: 'risk', what: 'velocity', detail: 'no counters' });
    return [tvrBits.aboveLowerOfflineLimit, tvrBits.aboveUpperOfflineLimit, ...isNew];
  }
  const bits: Bit[] = [...isNew];
  const offline = counter - lastOnline;
  if (counter <= lastOnline || offline > lower) bits.push(tvrBits.aboveLowerOfflineLimit);
  if (counter <= lastOnline || offline > upper) bits.push(tvrBits.aboveUpperOfflineLimit);
  yield* note({ type: 'risk', what: 'velocity', detail: `${offline} (${lower}, ${upper})` });
  return bits;
}

/** A counter of two bytes by GET DATA. EMV 4.3 Book 3, 6.5.7. */
function* readCounter(tag: number): Dialogue<number | undefined> {
  const answer = yield* transmit(command(0x80, 0xca, tag >> 8, tag & 0xff, undefined, 256));
  const object = templateOf(answer, tag);
  if (!object.ok || object.value.length !== 2) return undefined;
  const [high = 0, low = 0] = object.value.value;
  return (high << 8) | low;
}
