import { createHash } from 'node:crypto';
import { isRateLookUp } from '@tsunagu/protocols/acquiring';
import {
  compileProfile,
  type DecodedMessage,
  isApproval,
  type MessageCodec,
  originalMti,
  parseOriginalData,
} from '@tsunagu/protocols/iso8583';
import { hex } from '@tsunagu/protocols/kit';
import type { Tapped } from '../emulation/tap.ts';

/** What must hold of the money, whatever fails in between. */
export const invariants = {
  /** An approval towards an acquirer has an issuer behind it: its own approval, or its taking of the advice of a stand-in. */
  approvedByIssuer: 'APPROVED_WITHOUT_ISSUER',
  /** An approval is posted at the issuer once. */
  postedOnce: 'POSTED_TWICE',
  /** What an acquirer reversed, or was never told of, stands at no issuer. */
  reversedIsZero: 'REVERSED_BUT_STANDING',
  /** One request has one answer, however often it comes. */
  sameAnswer: 'ANSWERS_DIFFER',
  /** An issuer is asked for what an acquirer asked for, and for nothing else. */
  askedFor: 'ASKED_WITHOUT_ACQUIRER',
  /** What stands at the issuers is what stands at the acquirers. */
  conserved: 'MONEY_NOT_CONSERVED',
} as const;

/** A broken invariant. `about` is a tag of the transaction, never a card number. */
export interface Violation {
  readonly code: (typeof invariants)[keyof typeof invariants];
  readonly about: string;
  readonly detail: string;
}

/** What the oracle saw, and what it thinks of it. */
export interface Verdict {
  readonly acquirer: { readonly asked: number; readonly approved: number; readonly standingMinor: number };
  readonly issuer: { readonly asked: number; readonly approved: number; readonly standingMinor: number };
  readonly messages: number;
  /** Bytes that were no message, or no message of this kind. */
  readonly unread: number;
  /** The first hundred. */
  readonly violations: readonly Violation[];
  readonly violated: number;
}

/** One transaction as one side saw it. */
interface Seen {
  readonly about: string;
  /** Card, amount (also in the cardholder's currency), local time, terminal, merchant: the same on both sides. */
  readonly join: string;
  readonly signedMinor: number;
  /** Action codes in the order in which they were given. */
  readonly answers: string[];
  isAdvice: boolean;
  isReversalAsked: boolean;
  isReversed: boolean;
}

const violationsMax = 100;

/**
 * Compares both sides of the switch, from the messages alone. It knows nothing of the switch: what it is told is what emulators wrote and read.
 * Ask for the verdict when nothing is open any more: what is still under way would be a violation.
 */
export class LedgerOracle {
  readonly #sides = { acquirer: new Map<string, Seen>(), issuer: new Map<string, Seen>() };
  /** Reversals that came before what they reverse. */
  readonly #early = { acquirer: new Set<string>(), issuer: new Set<string>() };
  /** Requests by line and keys, for the answers to them. */
  readonly #asked = new Map<string, Seen>();
  /** By how a link writes its messages. */
  readonly #codecs = new Map<string, MessageCodec>();
  #messages = 0;
  #unread = 0;

  /** Takes a message that passed the edge of an emulator. */
  take({ side, direction, writing, hex: text }: Tapped): void {
    const decoded = this.#codec(writing).decode(hex(text));
    this.#messages += 1;
    if (!decoded.ok) {
      this.#unread += 1;
      return;
    }
    const message = decoded.value;
    const isAnswer = message.mti[2] === '1' || message.mti[2] === '3';
    // At the acquirer's edge requests go out; at the issuer's they come in.
    if ((direction === 'out') !== (side === 'acquirer') && !isAnswer) return;
    if (message.mti[1] === '4') this.#reversal(side, message, isAnswer);
    // What an amount is in another currency the switch says itself, and nothing moves.
    else if (isRateLookUp(message.text(3))) return;
    else if (message.mti[1] === '1' || message.mti[1] === '2') this.#transaction(side, message, isAnswer);
  }

  #codec(writing: Tapped['writing']): MessageCodec {
    const name = JSON.stringify(writing);
    const codec = this.#codecs.get(name) ?? compileProfile(writing);
    this.#codecs.set(name, codec);
    return codec;
  }

  #transaction(side: Tapped['side'], message: DecodedMessage, isAnswer: boolean): void {
    const key = keyOf(message.text(11), message.text(12), partyOf(side, message));
    if (isAnswer) {
      this.#asked.get(`${side}/${key}`)?.answers.push(message.text(39) ?? '');
      return;
    }
    const known = this.#sides[side].get(key);
    if (known) {
      this.#asked.set(`${side}/${key}`, known);
      return;
    }
    const join = joinOf(message);
    const seen: Seen = {
      about: createHash('sha256').update(join).digest('hex').slice(0, 12),
      join,
      signedMinor: signOf(message) * Number(message.text(4) ?? 0),
      answers: [],
      isAdvice: originalMti(message.mti)[2] === '2',
      isReversalAsked: this.#early[side].has(key),
      isReversed: this.#early[side].has(key),
    };
    this.#sides[side].set(key, seen);
    this.#asked.set(`${side}/${key}`, seen);
  }

  #reversal(side: Tapped['side'], message: DecodedMessage, isAnswer: boolean): void {
    const own = `${side}/reversal/${keyOf(message.text(11), message.text(12), partyOf(side, message))}`;
    if (isAnswer) {
      const seen = this.#asked.get(own);
      if (!seen) return;
      seen.isReversed ||= message.text(39) === '400';
      // A cancellation that is refused leaves the sale as it is.
      seen.isReversalAsked = seen.isReversed;
      return;
    }
    const original = parseOriginalData(message.text(56) ?? '');
    if (!original.ok) {
      this.#unread += 1;
      return;
    }
    const { stan, localTime } = original.value;
    const key = keyOf(stan, localTime, partyOf(side, message));
    const seen = this.#sides[side].get(key);
    if (!seen) {
      this.#early[side].add(key);
      return;
    }
    seen.isReversalAsked = true;
    this.#asked.set(own, seen);
  }

  verdict(): Verdict {
    const found: Violation[] = [];
    let violated = 0;
    const violate = (code: Violation['code'], about: string, detail: string): void => {
      violated += 1;
      if (found.length < violationsMax) found.push({ code, about, detail });
    };
    const acquirers = [...this.#sides.acquirer.values()];
    const issuers = byJoin(this.#sides.issuer.values());
    const asked = byJoin(acquirers);
    const money = { acquirer: 0, issuer: 0 };
    for (const [join, sides] of asked) {
      const there = issuers.get(join) ?? [];
      const about = sides[0]?.about ?? '';
      for (const { answers } of sides)
        if (new Set(answers.filter((code) => code !== '923')).size > 1)
          violate(invariants.sameAnswer, about, answers.join(' '));
      const approved = sides.filter(isTold);
      const stands = approved.filter(({ isReversed, isReversalAsked }) => !isReversed && !isReversalAsked);
      const backed = there.filter(isApprovedThere);
      const standsThere = backed.filter(({ isReversed }) => !isReversed);
      money.acquirer += sum(stands);
      money.issuer += sum(standsThere);
      if (backed.length < approved.length)
        violate(invariants.approvedByIssuer, about, `${approved.length} told, ${backed.length} approved`);
      if (standsThere.length > sides.length)
        violate(invariants.postedOnce, about, `${sides.length} asked, ${standsThere.length} stand`);
      if (standsThere.length > stands.length && standsThere.length <= sides.length)
        violate(
          invariants.reversedIsZero,
          about,
          `${stands.length} stand at the acquirer, ${standsThere.length} at the issuer`,
        );
      if (stands.length > standsThere.length && backed.length >= approved.length)
        violate(
          invariants.conserved,
          about,
          `${stands.length} stand at the acquirer, ${standsThere.length} at the issuer`,
        );
    }
    for (const [join, there] of issuers)
      if (!asked.has(join)) {
        violate(invariants.askedFor, there[0]?.about ?? '', `${there.length} asked`);
        money.issuer += sum(there.filter((seen) => isApprovedThere(seen) && !seen.isReversed));
      }
    if (money.acquirer !== money.issuer)
      violate(invariants.conserved, 'all', `acquirers ${money.acquirer}, issuers ${money.issuer}`);
    const issuerSeen = [...this.#sides.issuer.values()];
    return {
      acquirer: { asked: acquirers.length, approved: acquirers.filter(isTold).length, standingMinor: money.acquirer },
      issuer: {
        asked: issuerSeen.length,
        approved: issuerSeen.filter(isApprovedThere).length,
        standingMinor: money.issuer,
      },
      messages: this.#messages,
      unread: this.#unread,
      violations: found,
      violated,
    };
  }
}

function byJoin(all: Iterable<Seen>): ReadonlyMap<string, readonly Seen[]> {
  const groups = new Map<string, Seen[]>();
  for (const seen of all) {
    const group = groups.get(seen.join);
    if (group) group.push(seen);
    else groups.set(seen.join, [seen]);
  }
  return groups;
}

/** Whether the acquirer was told that it is approved; its own advices it approved by itself. */
const isTold = ({ answers, isAdvice }: Seen): boolean => isAdvice || answers.some(isApproval);

/** Whether the issuer approved it, or took it as an advice. */
const isApprovedThere = ({ answers }: Seen): boolean => answers.some((code) => isApproval(code) || code === '900');

const sum = (seen: readonly Seen[]): number => seen.reduce((total, { signedMinor }) => total + signedMinor, 0);

const keyOf = (stan = '', localTime = '', party = ''): string => `${stan}/${localTime}/${party}`;

/** Whose trace number it is: the acquirer's towards an issuer, a terminal's or a centre's towards the switch. An answer has both elements. */
const partyOf = (side: Tapped['side'], message: DecodedMessage): string =>
  side === 'issuer' ? (message.text(32) ?? '') : `${message.text(32) ?? ''}/${message.text(41) ?? ''}`;

/** What both sides have in common, as a digest: it covers a card number. Of what was converted, both amounts. */
function joinOf(message: DecodedMessage): string {
  const hash = createHash('sha256');
  message.secret(2)?.use((digits) => hash.update(digits));
  for (const number of [4, 6, 10, 12, 41, 42, 51]) hash.update(`/${message.text(number)?.trim() ?? ''}`);
  return hash.update(message.text(3)?.slice(0, 2) ?? '').digest('hex');
}

/** 20 to 29 give to the account, 30 and above only ask. An authorisation holds, and stands as what it holds. ISO 8583:1993, A.7. */
function signOf(message: DecodedMessage): number {
  const kind = message.text(3)?.[0];
  return kind === '2' ? -1 : kind === '3' ? 0 : 1;
}
