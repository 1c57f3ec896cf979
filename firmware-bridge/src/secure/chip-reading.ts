import { localTransactionTime } from '@tsunagu/protocols/acquiring';
import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { SaleStep } from '@tsunagu/protocols/fleet';
import type { KernelTraceLine } from '@tsunagu/protocols/kernel-trace';
import { ok, type Result, type Secret, toHex } from '@tsunagu/protocols/kit';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import type { World } from '@tsunagu/protocols/world';
import {
  type CardFacts,
  type CardHome,
  contactlessSale,
  contactSale,
  type KernelOutcome,
  type KernelSettings,
  type KernelTransaction,
  kernelTerminalOf,
  type OnlineRequest,
  type OnlineResult,
  runDialogue,
  type TransactionType,
  transactionTypes,
  type Verification,
} from '../kernel/index.ts';
import type { ChipReader } from '../readers/port.ts';
import { type CardAuthorities, testAuthorities } from './card-authorities.ts';
import type { CardVault } from './card-vault.ts';
import type { Cardholder } from './hand.ts';
import type { NegativeFile } from './ports.ts';
import { type ChipReceipt, receiptOf } from './receipt.ts';
import { askForPin } from './pin-asking.ts';
import type { SealedCard } from './sealed-card.ts';
import type { Stopwatch } from './stopwatch.ts';

/** What the issuer is to be asked, as payment hears it. */
export interface OnlineQuestion {
  readonly card: SealedCard;
  readonly verification: Verification;
  /** DE55; it never holds card number or track. */
  readonly emv?: Uint8Array | undefined;
  /** Where the card is at home, as far as its chip tells. */
  readonly home?: CardHome | undefined;
  /** Lets the cardholder choose between yen and the own currency; undefined where nobody can be asked. */
  readonly chooseCurrency?: Cardholder['chooseCurrency'];
}

/** How a chip's part of a transaction ended. */
export interface ChipOutcome {
  readonly decision: KernelOutcome['decision'];
  readonly reason?: ErrorCode | undefined;
  readonly verification: Verification;
  /** DE55 of the last cryptogram: for an advice. */
  readonly emv: Uint8Array;
  readonly receipt: ChipReceipt;
}

/** A transaction with a chip: what came of it, and the card as soon as it was read. */
export interface ChipReading {
  readonly outcome: Result<ChipOutcome, ErrorCode>;
  readonly card: SealedCard | undefined;
  readonly negative: NegativeAnswer | undefined;
}

/** What is asked of the card. */
export interface ChipTransaction {
  readonly type: TransactionType;
  /** STAN of what is asked, as sequence counter (9F41). */
  readonly sequence: number;
  readonly amountMinor: number;
  /** Whether terminal and card may approve it by themselves. */
  readonly mayApproveOffline: boolean;
  /** Below it no issuer has to be asked, minor units; 0: always. */
  readonly floorLimitMinor: number;
  /** Limits of reading without contacts, and whether a PIN may be left out. */
  readonly limits?: Pick<KernelSettings, 'contactless' | 'mayBypassPin'>;
  readonly terminalId: string;
  readonly merchantId: string;
}

/** What payment does while the kernel runs. None of it sees a card number. */
export interface ChipHands {
  goOnline(question: OnlineQuestion): Promise<OnlineResult>;
  /** What this card bought here offline before, minor units. EMV 4.3 Book 3, 10.6.1. */
  boughtOffline(card: SealedCard): number;
  report(step: SaleStep, detail: string): void;
  trace(line: KernelTraceLine): void;
}

/** The parts of the secure part that a reading needs. */
export interface ReadingParts {
  readonly world: World;
  readonly model: TerminalModel;
  readonly vault: CardVault;
  readonly negative: NegativeFile;
  readonly authorities?: CardAuthorities | undefined;
  readonly watch: Stopwatch;
  /** Keeps the PIN for the issuer while its request is made, and wipes it. */
  readonly withPin: <T>(card: SealedCard, pin: Secret<'pin'> | undefined, work: () => Promise<T>) => Promise<T>;
  /** How long a card may take to appear, milliseconds. */
  readonly cardWaitMs: number;
  /** The cardholder; undefined when nobody is there. */
  readonly holder: Cardholder | undefined;
}

/** Runs the kernel over a powered card. What leaves is sealed. */
export async function readChip(
  { world, model, vault, negative, authorities = testAuthorities, watch, holder, withPin, cardWaitMs }: ReadingParts,
  reader: ChipReader,
  entry: 'contact' | 'contactless',
  transaction: ChipTransaction,
  hands: ChipHands,
): Promise<ChipReading> {
  let card: SealedCard | undefined;
  let answer: NegativeAnswer | undefined;
  let hasComeBack = false;
  const abilities = holder?.abilities;
  const sealOnce = (facts: CardFacts): SealedCard =>
    (card ??= vault.seal({ pan: facts.pan, expiry: facts.expiry, panSequence: facts.sequence }, facts.scheme));
  const dialogue = (entry === 'contact' ? contactSale : contactlessSale)(
    kernelTerminalOf(
      { ...model, pinPad: abilities === undefined ? model.pinPad : abilities.pinPad === 'working' },
      {
        terminalId: transaction.terminalId,
        merchantId: transaction.merchantId,
        floorLimitMinor: transaction.floorLimitMinor,
        ...authorities,
        approvesOffline: transaction.mayApproveOffline,
        ...transaction.limits,
        ...abilities,
      },
    ),
    kernelTransaction(world, transaction),
  );
  const outcome = await runDialogue(dialogue, {
    reader,
    askNegative(facts) {
      sealOnce(facts);
      answer = negative.check(facts.pan);
      return answer;
    },
    goOnline(request: OnlineRequest) {
      const { verification, emv, pin } = request;
      const sealed = sealOnce(request.card);
      const { home } = request.card;
      const chooseCurrency = holder?.chooseCurrency;
      return withPin(sealed, pin, () => hands.goOnline({ card: sealed, verification, emv, home, chooseCurrency }));
    },
    report: ({ step, detail }) => hands.report(step, detail),
    askLog: (facts) => hands.boughtOffline(sealOnce(facts)),
    askPin: (question) => askForPin(holder, question),
    chooseApplication: (labels) => Promise.resolve(holder?.choose(labels)),
    confirmApplication: (label) => Promise.resolve(holder?.choose([label]) === 0),
    async presentAgain() {
      // Once: a card that wants it again and again is left alone.
      if (hasComeBack || holder === undefined) return false;
      hasComeBack = true;
      await watch.during('reader', () => reader.powerOff());
      await holder.presentAgain();
      const back = await watch.during('reader', async () => {
        const there = await reader.waitForCard(cardWaitMs);
        return there.ok ? await reader.powerOn() : there;
      });
      if (back.ok) hands.report('card-presented', `${entry}, again`);
      return back.ok;
    },
    drawRandom: (lengthBytes) => world.entropy(lengthBytes),
    trace: (line) => hands.trace(line),
    now: () => watch.elapsedMs,
    think: (work) => watch.in('kernel', work),
    transfer: (work) => watch.during('reader', work),
  });
  const off = await watch.during('reader', () => reader.powerOff());
  if (!off.ok) world.log('debug', 'cardNotPoweredOff', { fault: off.fault });
  if (!outcome.ok) {
    world.log('warn', 'cardFailed', { fault: outcome.fault });
    return { outcome, card, negative: answer };
  }
  const { decision, reason, verification, card: facts, emv, tvr, tsi, application } = outcome.value;
  sealOnce(facts);
  const receipt = receiptOf(emv, {
    aid: application.aid.toUpperCase(),
    label: application.label.slice(0, 16),
    tvr: toHex(tvr),
    tsi: toHex(tsi),
  });
  return { outcome: ok({ decision, reason, verification, emv, receipt }), card, negative: answer };
}

function kernelTransaction(world: World, { type, sequence, amountMinor }: ChipTransaction): KernelTransaction {
  const local = localTransactionTime(world.clock.now());
  return {
    type,
    amountMinor,
    amountOtherMinor: 0,
    date: local.slice(0, 6),
    time: local.slice(6),
    unpredictableNumber: world.entropy(4),
    sequenceCounter: sequence,
    isForcedOnline: type !== transactionTypes.purchase,
  };
}
