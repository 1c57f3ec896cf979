import { answerTo, operationOf, terminalCodec, terminalLink } from '@tsunagu/protocols/acquiring';
import {
  type FieldValue,
  isRepeat,
  type Message,
  originalMti,
  parseOriginalData,
  responseMti,
} from '@tsunagu/protocols/iso8583';
import { fail, ok, Secret } from '@tsunagu/protocols/kit';
import type { Acquirer } from '@tsunagu/firmware-bridge/secure/index';

/** How the line behaves to the next message. */
export type LineMood = 'whole' | 'answerLost' | 'requestLost' | 'doubled' | 'down' | 'turnedAway';

/**
 * A centre that books what it is told, once per (STAN, local time), and answers a repeat with the stored answer. It is the truth that a
 * terminal's records are compared with; the real switch and card company are in `switch.test.ts`.
 */
export class Centre {
  /** Messages that arrived, in order: MTI, STAN. */
  readonly arrived: string[] = [];
  /** STANs of what was reversed, in order, and where in `arrived` that was. */
  readonly reversals: string[] = [];
  readonly #reversalAt: number[] = [];
  /** First sendings that were wrongly sent as a first sending again, and bodies that differed under one key. */
  readonly complaints: string[] = [];
  readonly #booked = new Map<string, number>();
  readonly #reversed = new Set<string>();
  readonly #answers = new Map<string, { readonly body: string; readonly answer: Message }>();
  mood: (message: Message, nth: number) => LineMood = () => 'whole';
  /** Action code of the next request; advices are always taken unless this says otherwise. */
  actionCode: (message: Message) => string | undefined = () => undefined;

  /** What stands, yen. */
  get netMinor(): number {
    return [...this.#booked].reduce((sum, [key, amount]) => sum + (this.#reversed.has(key) ? 0 : amount), 0);
  }

  arrivalOfReversal(index: number): number {
    return this.#reversalAt[index] ?? -1;
  }

  /** Forgets its stored answers, but not its books: as a centre that was in trouble and did not take anything. */
  forget(): void {
    this.#answers.clear();
  }

  /** A line to the centre. @param isAlive whether the terminal's power is on */
  line(isAlive: () => boolean): Acquirer {
    const sent = new Map<string, number>();
    return {
      exchange: async (message) => {
        await Promise.resolve();
        if (!isAlive()) return fail('ACQUIRER_UNREACHABLE');
        const written = terminalCodec.encode(message);
        if (!written.ok) return fail('REQUEST_UNWRITABLE', { cause: written.fault });
        const key = keyOf(message);
        const nth = sent.get(key) ?? 0;
        sent.set(key, nth + 1);
        const mood = this.mood(message, nth);
        if (mood === 'down') return fail('ACQUIRER_UNREACHABLE');
        if (mood === 'turnedAway') return fail('ACQUIRER_REFUSES_TERMINAL');
        if (mood === 'requestLost') return fail('ACQUIRER_TIMEOUT');
        const answer = this.#take(message);
        if (mood === 'doubled') this.#take(message, true);
        return mood === 'answerLost' ? fail('ACQUIRER_TIMEOUT') : ok(answer);
      },
    };
  }

  #take(message: Message, isDoubled = false): Message {
    const { mti, fields } = message;
    const key = keyOf(message);
    this.arrived.push(`${mti} ${text(message, 11)}`);
    const body = bodyOf(message);
    const known = this.#answers.get(key);
    if (known) {
      if (known.body !== body) this.complaints.push(`${mti} ${key} differs from its first sending`);
      if (!isDoubled && !isRepeat(mti)) this.complaints.push(`${mti} ${key} was sent again, and not as a repeat`);
      return known.answer;
    }
    let actionCode = this.actionCode(message);
    if (originalMti(mti) === '1420') {
      const original = parseOriginalData(text(message, 56));
      if (original.ok) {
        this.#reversed.add(`${original.value.stan}/${original.value.localTime}`);
        this.reversals.push(original.value.stan);
        this.#reversalAt.push(this.arrived.length - 1);
      }
      actionCode ??= '400';
    } else {
      actionCode ??= mti.startsWith('122') ? '900' : '000';
      const isTaken = /^(0|900)/.test(actionCode);
      if (isTaken) this.#booked.set(`${text(message, 11)}/${text(message, 12)}`, movedMinor(message));
    }
    const added: { [element: number]: FieldValue } = { 37: `623289${text(message, 11)}`, 39: actionCode };
    if (actionCode === '000') added[38] = '123456';
    if (text(message, 3).startsWith('31')) added[54] = '3002392C000000012345';
    const answer = answerTo(message, responseMti(mti) ?? '', terminalLink.echoElements, added);
    this.#answers.set(key, { body, answer });
    if (!(fields[2] instanceof Secret)) this.complaints.push(`${mti} without a card`);
    return answer;
  }
}

function movedMinor(message: Message): number {
  const operation = operationOf(originalMti(message.mti), text(message, 3), text(message, 24));
  const amount = Number(text(message, 4));
  if (operation === 'refund') return -amount;
  return operation === 'authorisation' || operation === 'balance' ? 0 : amount;
}

const text = ({ fields }: Message, element: number): string => {
  const value = fields[element];
  return typeof value === 'string' ? value : '';
};

const keyOf = (message: Message): string => `${message.mti[1]}/${text(message, 11)}/${text(message, 12)}`;

const bodyOf = ({ fields }: Message): string =>
  Object.entries(fields)
    .map(([element, value]) =>
      value instanceof Secret
        ? `${element}:${value.use((bytes) => Buffer.from(bytes).toString('latin1'))}`
        : `${element}:${Buffer.from(value).toString('latin1')}`,
    )
    .join('|');
