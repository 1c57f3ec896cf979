import { localTransactionTime } from '@tsunagu/protocols/acquiring';
import type { TerminalModel } from '@tsunagu/protocols/catalogue';
import { CaKeyTable, caKeyHash, type Scheme } from '@tsunagu/protocols/emv';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { SaleOutcome, SaleResult, SaleStep } from '@tsunagu/protocols/fleet';
import { lastFour, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import { testCaKeys } from '@tsunagu/protocols/test-cards';
import type { World } from '@tsunagu/protocols/world';
import type { Entry } from '../cards/index.ts';
import {
  type CardFacts,
  canTakeSignature,
  contactlessSale,
  contactSale,
  type KernelOutcome,
  type KernelTerminal,
  type KernelTransaction,
  kernelTerminalOf,
  runDialogue,
  type TraceLine,
  transactionTypes,
} from '../kernel/index.ts';
import type { ChipReader } from '../readers/port.ts';
import type { ReaderStation } from '../readers/station.ts';
import { OnlineLeg } from './online-leg.ts';
import type { CardSidePorts, OnSaleStep, SaleOrder } from './ports.ts';
import type { ReversalSender } from './reversal-sender.ts';
import type { Stopwatch } from './stopwatch.ts';
import { schemeOfPan, stripeRefusal } from './stripe-sale.ts';

/** How long a card may take to appear. */
const cardWaitMs = 10_000;

/** What a sale is made with. */
export interface SaleParts {
  readonly world: World;
  readonly model: TerminalModel;
  readonly ports: CardSidePorts;
  readonly station: ReaderStation;
  readonly sender: ReversalSender;
  readonly watch: Stopwatch;
  readonly onStep: OnSaleStep;
  readonly onTrace: (line: TraceLine) => void;
}

/** How a sale went, before it is put into words. */
interface Ended {
  readonly outcome: SaleOutcome;
  readonly reason?: ErrorCode | undefined;
  readonly card?: CardFacts | undefined;
}

const ended = (outcome: SaleOutcome, reason?: ErrorCode, card?: CardFacts): Ended => ({ outcome, reason, card });

/** A sale that ended before it began. */
export const refusedSale = (order: SaleOrder, entry: Entry, outcome: SaleOutcome, reason: ErrorCode): SaleResult => ({
  outcome,
  amountMinor: order.amountMinor,
  currency: 'JPY',
  card: order.card,
  scheme: '',
  entry,
  lastFour: '',
  stan: '',
  reason,
  durationMs: 0,
});

/** Makes one sale with a card that is being presented. */
export async function makeSale(parts: SaleParts, order: SaleOrder, entry: Entry): Promise<SaleResult> {
  const { world, watch } = parts;
  const step = (name: SaleStep, detail?: string): void => parts.onStep(name, watch.elapsedMs, detail);
  const leg = new OnlineLeg({
    ...parts,
    amountMinor: order.amountMinor,
    entry,
    onSent: () => step('request-sent'),
    onAnswered: (detail) => step('answer-received', detail),
  });
  const run = entry === 'stripe' ? swipeSale(parts, leg, step) : chipSale(parts, order, entry, leg, step);
  const end = await run.catch((cause: unknown) => {
    // A slip of ours must not leave a sale that nobody undoes: what is kept is reversed.
    world.log('error', 'saleBroke', { fault: { code: 'SALE_FAILED', cause } });
    return ended('failed', 'SALE_FAILED');
  });
  const isKept = leg.close();
  // Whatever the card side thinks: a sale whose reversal is kept will be reversed.
  const outcome = isKept ? 'reversed' : end.outcome;
  if (isKept) step('reversal-queued');
  step('finished', outcome);
  const { state } = leg;
  const answer = state.name === 'answered' ? state.answer : undefined;
  return {
    ...refusedSale(order, entry, outcome, 'SALE_FAILED'),
    scheme: schemeText(end.card?.scheme),
    lastFour: end.card === undefined ? '' : lastFour(end.card.pan),
    stan: leg.stan,
    ...(answer?.rrn !== undefined && { rrn: answer.rrn }),
    ...(answer?.approvalCode !== undefined && outcome === 'approved' && { approvalCode: answer.approvalCode }),
    ...(answer !== undefined && { actionCode: answer.actionCode }),
    reason: outcome === 'approved' || outcome === 'declined' ? undefined : (end.reason ?? 'SALE_FAILED'),
    durationMs: watch.elapsedMs,
  };
}

const schemeText = (scheme: Scheme | undefined): string => scheme ?? '';

type Step = (name: SaleStep, detail?: string) => void;

/** A sale with a chip, with contacts or without. */
async function chipSale(
  parts: SaleParts,
  order: SaleOrder,
  entry: 'contact' | 'contactless',
  leg: OnlineLeg,
  step: Step,
): Promise<Ended> {
  const { world, ports, watch } = parts;
  const reader = await watch.during('reader', () => awake(parts.station, entry));
  if (!reader.ok) return ended('failed', reader.fault.code);
  step('card-presented', entry);
  let card: CardFacts | undefined;
  const sale = entry === 'contact' ? contactSale : contactlessSale;
  const outcome = await runDialogue(sale(kernelTerminal(parts), kernelTransaction(parts, order)), {
    reader: reader.value,
    askNegative: (facts) => {
      card = facts;
      return ports.negative.check(facts.pan);
    },
    goOnline: async (request) => {
      const state = await watch.during('payment', () => leg.ask(request));
      if (state.name !== 'answered') return { type: 'unable' };
      return { type: 'answered', isApproved: state.isApproved, emv: state.answer.emv };
    },
    report: ({ step: name, detail }) => step(name, detail),
    drawRandom: (lengthBytes) => world.entropy(lengthBytes),
    trace: parts.onTrace,
    think: (work) => watch.in('kernel', work),
    transfer: (work) => watch.during('reader', work),
  });
  const off = await watch.during('reader', () => reader.value.powerOff());
  if (!off.ok) world.log('debug', 'cardNotPoweredOff', { fault: off.fault });
  if (!outcome.ok) world.log('warn', 'cardFailed', { fault: outcome.fault });
  return conclude(leg, outcome, card);
}

/** What the end of the kernel's part means for the sale. */
async function conclude(
  leg: OnlineLeg,
  outcome: Result<KernelOutcome, ErrorCode>,
  card: CardFacts | undefined,
): Promise<Ended> {
  const { state } = leg;
  if (outcome.ok && outcome.value.decision === 'approved') return settled(leg, outcome.value.card);
  if (state.name === 'answered' && state.isApproved) {
    await leg.withdraw();
    return ended('reversed', outcome.ok ? outcome.value.reason : outcome.fault.code, card);
  }
  // The issuer's "no" stands, whatever becomes of the card after it.
  if (state.name === 'answered') return ended('declined', undefined, card);
  if (state.fault !== undefined) return ended('failed', state.fault, card);
  if (!outcome.ok) return ended('failed', outcome.fault.code, card);
  return ended('refused', outcome.value.reason ?? 'TERMINAL_DECLINED', card);
}

/** The sale is approved as soon as its reversal is gone, and not before. */
async function settled(leg: OnlineLeg, card: CardFacts): Promise<Ended> {
  return (await leg.settle()) ? ended('approved', undefined, card) : ended('reversed', 'REVERSAL_NOT_STORED', card);
}

/** A sale with a stripe. */
async function swipeSale(parts: SaleParts, leg: OnlineLeg, step: Step): Promise<Ended> {
  const { world, model, ports, station, watch } = parts;
  const swiped = await watch.during('reader', async () => {
    const reader = await station.stripe();
    return reader.ok ? reader.value.swipe(cardWaitMs) : reader;
  });
  if (!swiped.ok) return ended('failed', swiped.fault.code);
  const track = swiped.value;
  step('card-presented', 'stripe');
  const scheme = schemeOfPan(track.pan);
  const card: CardFacts = { scheme, pan: track.pan, expiry: track.expiry, sequence: undefined };
  step('card-read', scheme);
  const negative = ports.negative.check(track.pan);
  step('negative-checked', negative);
  const today = localTransactionTime(world.clock.now()).slice(0, 4);
  const readers: readonly string[] = model.readers;
  const refusal = stripeRefusal(track, today, negative, readers.includes('contact'));
  if (refusal !== undefined) return ended('refused', refusal, card);
  const verification = canTakeSignature(model) ? 'signature' : 'none';
  const state = await leg.ask({ card, verification, track2: track.track });
  track.track.wipe();
  if (state.name !== 'answered') return ended('failed', state.fault, card);
  return state.isApproved ? settled(leg, card) : ended('declined', undefined, card);
}

/** The reader with a powered card in it. */
async function awake(station: ReaderStation, entry: 'contact' | 'contactless'): Promise<Result<ChipReader, ErrorCode>> {
  const reader = await station.chip(entry);
  if (!reader.ok) return reader;
  const there = await reader.value.waitForCard(cardWaitMs);
  if (!there.ok) return there;
  const atr = await reader.value.powerOn();
  return atr.ok ? ok(reader.value) : atr;
}

/** Keys of the CA whose cards an emulated house reads. */
const testKeys = unwrap(CaKeyTable.load(testCaKeys().map((key) => ({ ...key, hash: caKeyHash(key) }))));

function kernelTerminal({ model, ports }: SaleParts): KernelTerminal {
  const { terminalId, merchantId } = ports.identity();
  const { floorLimitMinor } = ports.configuration();
  return kernelTerminalOf(model, {
    terminalId,
    merchantId,
    floorLimitMinor,
    caKeys: testKeys,
    pins: { offline: false, online: false },
  });
}

function kernelTransaction({ world }: SaleParts, { amountMinor }: SaleOrder): KernelTransaction {
  const local = localTransactionTime(world.clock.now());
  return {
    type: transactionTypes.purchase,
    amountMinor,
    amountOtherMinor: 0,
    date: local.slice(0, 6),
    time: local.slice(6),
    unpredictableNumber: world.entropy(4),
    sequenceCounter: 1,
    isForcedOnline: false,
  };
}
