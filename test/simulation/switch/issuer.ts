import type { LedgerOracle } from '@tsunagu/fleet-server/ledger-oracle/oracle';
import { answerTo, type Link, reversalReasons } from '@tsunagu/protocols/acquiring';
import {
  type DecodedMessage,
  isApproval,
  originalMti,
  parseOriginalData,
  responseMti,
} from '@tsunagu/protocols/iso8583';
import { toHex, unwrap } from '@tsunagu/protocols/kit';
import type { Chance } from '../random.ts';

interface Known {
  readonly answer: Uint8Array;
  readonly isApproved: boolean;
  /** What it put onto the prepaid card; what it took from it is below zero, and of any other card 0. */
  readonly ontoCardMinor: number;
  isReversed: boolean;
}

/** An issuer that never fails: what fails is the line to it. It knows repeats, and reversals that come before what they reverse. */
export class SimulatedIssuer {
  readonly #link: Link;
  readonly #chance: Chance;
  readonly #oracle: LedgerOracle;
  readonly #known = new Map<string, Known>();
  readonly #reversedEarly = new Set<string>();
  /** What is on the prepaid card. */
  #balanceMinor = 0;
  /** Voids that were refused, by their own keys. */
  readonly #refused = new Set<string>();
  /** Amounts of charges whose reversal took the card below zero. */
  readonly belowZero: number[] = [];

  /** It takes no advices for now: it says so, or (silent) says nothing. */
  refusesAdvices: 'aloud' | 'silently' | undefined;

  constructor(link: Link, chance: Chance, oracle: LedgerOracle) {
    this.#link = link;
    this.#chance = chance;
    this.#oracle = oracle;
  }

  /** What arrived, and the answer to it. */
  take(bytes: Uint8Array): Uint8Array | undefined {
    const refused = this.#refusedAdvice(bytes);
    if (refused) return refused.answer;
    this.#oracle.take({
      side: 'issuer',
      line: 'issuer',
      direction: 'in',
      writing: this.#link.profile,
      hex: toHex(bytes),
    });
    const decoded = this.#link.codec.decode(bytes);
    if (!decoded.ok) throw new Error(`the switch sends what is no message: ${decoded.fault.code}`);
    const answer = this.#answer(decoded.value);
    this.#oracle.take({
      side: 'issuer',
      line: 'issuer',
      direction: 'out',
      writing: this.#link.profile,
      hex: toHex(answer),
    });
    return answer;
  }

  /** An advice that is not taken leaves its books as they are, and is nothing for the oracle. */
  #refusedAdvice(bytes: Uint8Array): { readonly answer: Uint8Array | undefined } | undefined {
    const message = this.#link.codec.decode(bytes);
    if (this.refusesAdvices === undefined || !message.ok || message.value.mti[2] !== '2') return undefined;
    if (this.refusesAdvices === 'silently') return { answer: undefined };
    const answer = answerTo(message.value, responseMti(message.value.mti) ?? '', this.#link.profile.echo, {
      39: '909',
    });
    return { answer: unwrap(this.#link.codec.encode(answer)) };
  }

  #answer(message: DecodedMessage): Uint8Array {
    const key = [message.text(11), message.text(12), message.text(32)].join('/');
    const say = (actionCode: string, approval?: string): Uint8Array =>
      unwrap(
        this.#link.codec.encode(
          answerTo(message, responseMti(message.mti) ?? '', this.#link.profile.echo, {
            39: actionCode,
            ...(approval !== undefined && { 38: approval }),
          }),
        ),
      );
    if (message.mti[1] === '4') {
      const { stan, localTime, acquirer } = unwrap(parseOriginalData(message.text(56) ?? ''));
      const original = [stan, localTime, acquirer].join('/');
      const known = this.#known.get(original);
      // A person's void of what is spent is refused, however often it comes; any other reversal is taken, whatever that makes of the balance.
      if (known && !known.isReversed && known.isApproved) {
        const rest = this.#balanceMinor - known.ontoCardMinor;
        const isVoid = message.text(25) === reversalReasons.customerCancelled && known.ontoCardMinor > 0;
        if (isVoid && (rest < 0 || this.#refused.has(key))) {
          this.#refused.add(key);
          return say('116');
        }
        this.#balanceMinor = rest;
        if (rest < 0 && known.ontoCardMinor > 0) this.belowZero.push(known.ontoCardMinor);
      }
      if (known) known.isReversed = true;
      else this.#reversedEarly.add(original);
      return say('400');
    }
    const known = this.#known.get(key);
    if (known) return known.answer;
    const isPosting = originalMti(message.mti)[2] === '2';
    const amountMinor = Number(message.text(4));
    const isPrepaid = message.secret(2)?.use((digits) => Buffer.from(digits).toString('latin1').startsWith('9392'));
    const ontoCardMinor = isPrepaid !== true ? 0 : message.text(3)?.startsWith('2') ? amountMinor : -amountMinor;
    const isGood = isPrepaid === true ? this.#balanceMinor + ontoCardMinor >= 0 : this.#chance.percent(85);
    const actionCode = isPosting ? '900' : this.#reversedEarly.has(key) ? '902' : isGood ? '000' : '116';
    const isApproved = isPosting || isApproval(actionCode);
    if (isApproved) this.#balanceMinor += ontoCardMinor;
    const answer = say(actionCode, isApproval(actionCode) ? '654321' : undefined);
    this.#known.set(key, {
      answer,
      isApproved,
      ontoCardMinor,
      isReversed: this.#reversedEarly.has(key),
    });
    return answer;
  }
}
