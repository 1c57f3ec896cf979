import { decodeResponse, encodeCommand } from '@tsunagu/protocols/apdu';
import type { NegativeAnswer } from '@tsunagu/protocols/negative';
import { Secret } from '@tsunagu/protocols/kit';
import type {
  Dialogue,
  KernelAction,
  KernelEvent,
  OnlineRequest,
  OnlineResult,
  PinAnswer,
  PinQuestion,
  TraceNote,
} from '@tsunagu/firmware-bridge/kernel/index';

/** The world around a transaction under test. */
export interface Surroundings {
  readonly negative?: NegativeAnswer;
  /** Offline sales of this card that its issuer does not know. */
  readonly logMinor?: number;
  readonly online?: OnlineResult | ((request: OnlineRequest) => OnlineResult);
  /** Answers to PIN questions, in order; then there is no PIN pad. A text is a PIN. */
  readonly pins?: readonly (string | PinAnswer)[];
  readonly chooses?: number | 'none';
  readonly confirms?: boolean;
  /** Bytes that the lot draws, repeated. */
  readonly random?: number;
  readonly comesBack?: boolean;
  /** Measured time of each exchange. */
  readonly tookMs?: number;
}

/** What was seen of it. */
export interface Seen {
  readonly actions: KernelAction[];
  readonly notes: TraceNote[];
  readonly questions: PinQuestion[];
  readonly requests: OnlineRequest[];
}

const pinOf = (digits: string): PinAnswer => ({
  type: 'entered',
  pin: Secret.take('pin', Uint8Array.from(Buffer.from(digits, 'latin1'))),
});

/** Plays a dialogue with a card. */
export function play<T>(
  dialogue: Dialogue<T>,
  card: { transmit(apdu: Uint8Array): Uint8Array },
  world: Surroundings = {},
): { readonly result: T; readonly seen: Seen } {
  const seen: Seen = { actions: [], notes: [], questions: [], requests: [] };
  const pins = [...(world.pins ?? [])];
  let step = dialogue.next();
  for (let turns = 0; step.done !== true; turns++) {
    if (turns > 2_000) throw new Error('the dialogue does not end');
    seen.actions.push(step.value);
    step = dialogue.next(answer(step.value));
  }
  return { result: step.value, seen };

  function answer(action: KernelAction): KernelEvent {
    switch (action.type) {
      case 'transmit': {
        const bytes = encodeCommand(action.command);
        if (!bytes.ok) throw new Error(bytes.fault.code);
        const response = decodeResponse(card.transmit(bytes.value));
        if (!response.ok) throw new Error(response.fault.code);
        return {
          type: 'response',
          response: response.value,
          ...(world.tookMs !== undefined && { tookMs: world.tookMs }),
        };
      }
      case 'askNegative':
        return { type: 'negative', answer: world.negative ?? 'clear' };
      case 'askLog':
        return { type: 'log', amountMinor: world.logMinor ?? 0 };
      case 'goOnline': {
        seen.requests.push(action.request);
        const { online = { type: 'unable' } } = world;
        return { type: 'online', result: typeof online === 'function' ? online(action.request) : online };
      }
      case 'askPin': {
        seen.questions.push(action.question);
        const next = pins.shift() ?? { type: 'noPad' };
        return { type: 'pin', answer: typeof next === 'string' ? pinOf(next) : next };
      }
      case 'chooseApplication':
        return { type: 'chosen', index: world.chooses === 'none' ? undefined : (world.chooses ?? 0) };
      case 'confirmApplication':
        return { type: 'confirmed', isConfirmed: world.confirms ?? true };
      case 'drawRandom':
        return { type: 'random', bytes: new Uint8Array(action.lengthBytes).fill(world.random ?? 0x5a) };
      case 'presentAgain':
        return { type: 'presented', isThere: world.comesBack ?? false };
      case 'note':
        seen.notes.push(action.note);
        return { type: 'noted' };
      case 'report':
        return { type: 'noted' };
    }
  }
}
