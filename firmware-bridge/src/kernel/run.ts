import { type CommandApdu, decodeResponse, encodeCommand, type ResponseApdu } from '@tsunagu/protocols/apdu';
import type { KernelTraceLine } from '@tsunagu/protocols/kernel-trace';
import { ok, type Result } from '@tsunagu/protocols/kit';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import type { ChipReader } from '../readers/port.ts';
import type {
  CardFacts,
  Dialogue,
  KernelAction,
  KernelEvent,
  OnlineRequest,
  OnlineResult,
  PinAnswer,
  PinQuestion,
} from './dialogue.ts';
import { swText } from './answers.ts';
import type { KernelCode } from './outcome.ts';

/** What carries out a kernel's actions. */
export interface KernelHands {
  readonly reader: Pick<ChipReader, 'transmit'>;
  askNegative(card: CardFacts): NegativeAnswer;
  goOnline(request: OnlineRequest): Promise<OnlineResult>;
  report(action: Extract<KernelAction, { readonly type: 'report' }>): void;
  /** What this card bought here offline before, minor units. Default: nothing. */
  askLog?(card: CardFacts): number;
  /** Asks the cardholder, or lets the reader's PIN pad do it. Default: there is no PIN pad. */
  askPin?(question: PinQuestion): Promise<PinAnswer>;
  /** Default: the first. */
  chooseApplication?(labels: readonly string[]): Promise<number | undefined>;
  /** Default: yes. */
  confirmApplication?(label: string): Promise<boolean>;
  /** Key-grade randomness. */
  drawRandom(lengthBytes: number): Uint8Array;
  /** Waits until the card is back and powered. Default: it does not come. */
  presentAgain?(why: 'tryAgain' | 'seePhone'): Promise<boolean>;
  /** Told of each command and its answer (without their data), of what the kernel found and decided, and of its steps. */
  trace(line: KernelTraceLine): void;
  /** Milliseconds since the transaction began, for the trace. Default: it has no times. */
  now?(): number;
  /** Runs the kernel's own part; a stopwatch stands here. */
  think<T>(work: () => T): T;
  /** Runs the reader's part. */
  transfer<T>(work: () => Promise<T>): Promise<T>;
}

/** Carries out a dialogue. A fault of the reader ends it where it stands. */
export async function runDialogue<T>(
  dialogue: Dialogue<Result<T, KernelCode>>,
  hands: KernelHands,
): Promise<Result<T, KernelCode>> {
  let step = hands.think(() => dialogue.next());
  while (step.done !== true) {
    const event = await carryOut(step.value, hands);
    if (!event.ok) return event;
    step = hands.think(() => dialogue.next(event.value));
  }
  return step.value;
}

async function carryOut(action: KernelAction, hands: KernelHands): Promise<Result<KernelEvent, KernelCode>> {
  switch (action.type) {
    case 'transmit': {
      const response = await hands.transfer(() => exchange(action.command, hands));
      return response.ok ? ok({ type: 'response', response: response.value }) : response;
    }
    case 'askNegative':
      return ok({ type: 'negative', answer: hands.askNegative(action.card) });
    case 'askLog':
      return ok({ type: 'log', amountMinor: hands.askLog?.(action.card) ?? 0 });
    case 'askPin':
      return ok({ type: 'pin', answer: (await hands.askPin?.(action.question)) ?? { type: 'noPad' } });
    case 'chooseApplication':
      return ok({
        type: 'chosen',
        index: hands.chooseApplication === undefined ? 0 : await hands.chooseApplication(action.labels),
      });
    case 'confirmApplication':
      return ok({ type: 'confirmed', isConfirmed: (await hands.confirmApplication?.(action.label)) ?? true });
    case 'drawRandom':
      return ok({ type: 'random', bytes: hands.drawRandom(action.lengthBytes) });
    case 'presentAgain':
      return ok({ type: 'presented', isThere: (await hands.presentAgain?.(action.why)) ?? false });
    case 'note':
      hands.trace({ atMs: now(hands), note: action.note });
      return ok({ type: 'noted' });
    case 'goOnline':
      return ok({ type: 'online', result: await hands.goOnline(action.request) });
    case 'report':
      hands.report(action);
      hands.trace({ atMs: now(hands), step: action.step, detail: action.detail.slice(0, 200) });
      return ok({ type: 'noted' });
  }
}

const now = (hands: KernelHands): number => hands.now?.() ?? 0;

const verify = 0x20;

async function exchange(command: CommandApdu, hands: KernelHands): Promise<Result<ResponseApdu, KernelCode>> {
  const bytes = encodeCommand(command);
  if (!bytes.ok) return bytes;
  const sentAt = now(hands);
  const answer = await hands.reader.transmit(bytes.value);
  // VERIFY carries a PIN: neither copy outlives the exchange, however it ended.
  if (command.ins === verify) {
    bytes.value.fill(0);
    command.data.fill(0);
  }
  if (!answer.ok) return answer;
  const response = decodeResponse(answer.value);
  if (!response.ok) return response;
  const { cla, ins, p1, p2, data } = command;
  hands.trace({
    atMs: sentAt,
    tookMs: Math.max(0, now(hands) - sentAt),
    cla,
    ins,
    p1,
    p2,
    sentBytes: data.length,
    receivedBytes: response.value.data.length,
    sw: swText(response.value.sw),
  });
  return response;
}
