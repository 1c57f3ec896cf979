import type { Operator } from '@tsunagu/fleet-server/switch/operator/operator';
import type { Message } from '@tsunagu/protocols/iso8583';
import type { Chance } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import { advicesOf, type ByHand } from './by-hand.ts';
import type { Disk } from './disk.ts';
import type { Step } from './script.ts';

type Look = Extract<Step, { do: 'look' }>;

/** A node as who asks it has it. */
export interface Asked {
  readonly operator: Operator | undefined;
  /** What waits there for the issuer's answer. */
  readonly underWay: Iterable<Message>;
}

/** How long a person waits for an answer, and how often they look or try again. */
const answerMs = 15_000;
const looksMax = 30;
const triesMax = 12;
/** Nobody waits longer for a moment that may not come. */
const momentMs = 10_000;
/** How long before a sign-on it is right before it. */
const beforeMs = 80;

/** The people who look at dead letters, through the room that the API has for them. What they are told stands in `ByHand`. */
export class People {
  /** Those who are not done. */
  open = 0;
  readonly #scheduler: Scheduler;
  readonly #chance: Chance;
  readonly #disk: Disk;
  readonly #nodeOf: (of: Look['of']) => Asked | undefined;
  readonly #byHand: ByHand;
  readonly #note: (who: string, event: string) => void;
  #calls = 0;
  #waiting: { readonly when: Look['when']; readonly act: () => void }[] = [];

  constructor(
    scheduler: Scheduler,
    chance: Chance,
    disk: Disk,
    nodeOf: (of: Look['of']) => Asked | undefined,
    byHand: ByHand,
    note: (who: string, event: string) => void,
  ) {
    this.#scheduler = scheduler;
    this.#chance = chance;
    this.#disk = disk;
    this.#nodeOf = nodeOf;
    this.#byHand = byHand;
    this.#note = note;
  }

  /** A line is signed on in so many milliseconds, or now. */
  signsOn(inMs: number): void {
    const wanted = inMs > 0 ? 'before-sign-on' : 'at-sign-on';
    const due = this.#waiting.filter(({ when }) => when === wanted);
    this.#waiting = this.#waiting.filter(({ when }) => when !== wanted);
    for (const { act } of due)
      if (inMs > 0) this.#scheduler.after(inMs - this.#chance.int(0, beforeMs), act);
      else act();
  }

  async look(step: Look): Promise<void> {
    this.open += 1;
    try {
      const id = await this.#letter(step);
      if (id === undefined) return;
      await this.#moment(step);
      const { does, of } = step;
      if (does === 'both') await Promise.all([this.#settle(of, id), this.#retry(of, id)]);
      else {
        if (does !== 'settle') await this.#retry(of, id);
        if (does !== 'retry') await this.#settle(of, id);
      }
    } finally {
      this.open -= 1;
    }
  }

  /** The id of a dead letter; undefined when there is none for long. */
  async #letter({ of, place }: Look): Promise<string | undefined> {
    for (let looked = 0; looked < looksMax; looked += 1) {
      const found = await this.#ask(of, (operator) => operator.advices(true, { limit: 50 }));
      const letters = found?.ok === true ? found.value.items : [];
      const letter = letters[place % Math.max(1, letters.length)];
      if (letter) return letter.id;
      await this.#sleep(1_000);
    }
    return undefined;
  }

  async #moment({ when, nth }: Look): Promise<void> {
    const least = (set: (act: () => void) => void): Promise<void> =>
      Promise.race([new Promise<void>(set), this.#sleep(momentMs)]);
    if (when !== 'now') await least((act) => this.#waiting.push({ when, act }));
    if (nth > 0) await least((act) => this.#disk.atStatement(nth, act));
  }

  /** Tries for as long as it is under way, or nothing is said; what is settled cannot be tried any more. */
  async #settle(of: Look['of'], id: string): Promise<void> {
    for (let tried = 0; tried < triesMax; tried += 1) {
      const code = await this.#act(of, 'settle', id);
      if (code === 'ok') return await this.#retry(of, id);
      if (code === 'SWITCH_ADVICE_UNKNOWN') return;
      await this.#sleep(this.#chance.int(50, 2_500));
    }
  }

  async #retry(of: Look['of'], id: string): Promise<void> {
    await this.#act(of, 'retry', id);
  }

  /** What they were told: `ok`, a code, or undefined. */
  async #act(of: Look['of'], verb: 'settle' | 'retry', id: string): Promise<string | undefined> {
    this.#calls += 1;
    // Each act has a name of its own, by which the journal has it.
    const by = `person/${this.#calls}`;
    const call = this.#byHand.began(verb, id, by);
    const code = await this.#ask(of, async (operator, node) => {
      const done = await (verb === 'settle' ? operator.settle(id, by, by) : operator.retry(id, by));
      const said = done.ok ? 'ok' : done.fault.code;
      this.#byHand.told(call, said, advicesOf(node.underWay));
      return said;
    });
    this.#note(by, `${verb} ${id} ${code ?? 'without an answer'}`);
    return code;
  }

  /** Undefined: there is no node, it failed, or says nothing. */
  async #ask<T>(of: Look['of'], work: (operator: Operator, node: Asked) => Promise<T>): Promise<T | undefined> {
    const node = this.#nodeOf(of);
    if (!node?.operator) return undefined;
    // What fails is told to a person as an internal error: whether it was done they find out by looking.
    const asked = work(node.operator, node).catch(() => undefined);
    return await Promise.race([asked, this.#sleep(answerMs).then(() => undefined)]);
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#scheduler.after(delayMs, resolve);
    });
  }
}
