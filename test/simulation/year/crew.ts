import { benchHolder } from '../../bench-test.ts';
import type { Actor } from '@tsunagu/fleet-server/audit/index';
import { custodyPurpose } from '@tsunagu/protocols/custody';
import {
  type Evidence,
  type JobBody,
  jobOrder,
  type JobReport,
  type LifecycleState,
  parseJson,
} from '@tsunagu/protocols/fleet';
import { Secret, unwrap } from '@tsunagu/protocols/kit';
import { sha256 } from '@tsunagu/protocols/audit';
import { type Chance } from '../random.ts';
import type { House } from './house.ts';
import {
  admins,
  custodians,
  everyHand,
  type Hand,
  handOver,
  type Hands,
  operators,
  secondTokenOf,
  someHands,
} from './people.ts';
import type { Unit } from './unit.ts';

/** Every key-block protection key begins with it: where it turns up in the store, a key was written down. */
export const marker = Uint8Array.of(0x4b, 0x45, 0x59, 0xf5, 0xa1, 0x5e, 0x4b, 0x21);

/** A fault that came up, and whether somebody noticed. */
export interface Tried {
  tried: number;
  refused: number;
}

/** What people and terminals do, one act each; an act that the power cut into is done again, by people who look first. */
export class Crew {
  readonly house: House;
  readonly chance: Chance;
  readonly hands: Hands;
  readonly faults = new Map<string, Tried>();
  acts = 0;
  #bags = 0;

  readonly #trouble: number;

  constructor(house: House, chance: Chance, trouble: number) {
    this.house = house;
    this.chance = chance;
    this.#trouble = trouble;
    this.hands = someHands();
  }

  async register(): Promise<void> {
    for (const { name, publicKey } of [...everyHand(this.hands).map(({ holder }) => holder), benchHolder])
      unwrap(await this.house.act(({ custody }) => custody.addHolder(name, publicKey, this.operator())));
  }

  /** True so many times out of a hundred in an ordinary year. */
  goesWrong = (percent: number): boolean => this.chance.percent(Math.min(50, percent * this.#trouble));
  operator = (): Actor => this.chance.pick(operators);
  newBag = (): string => `BAG-${String((this.#bags += 1)).padStart(6, '0')}`;
  technician = (): Hand => this.chance.pick(this.hands.technicians);
  carrier = (): Hand => this.chance.pick(this.hands.carriers);

  /** Counts something that ought to be refused. */
  trial(what: string, isRefused: boolean): void {
    const seen = this.faults.get(what) ?? { tried: 0, refused: 0 };
    seen.tried += 1;
    if (isRefused) seen.refused += 1;
    this.faults.set(what, seen);
  }

  /** Moves a terminal; where a second person is asked for, one looks and approves. @returns why not, or undefined */
  async move(unit: Unit, to: LifecycleState, given: Evidence = {}): Promise<string | undefined> {
    const { serial } = unit;
    const by = this.operator();
    const second = this.chance.pick(custodians);
    const isDishonest = this.goesWrong(3);
    const destroyed = given.wipeProof?.by === 'destruction';
    const refusal = await this.house.act(async ({ lifecycle, approvals }, isAgain) => {
      this.acts += 1;
      const before = isAgain ? unwrap(await lifecycle.view(serial)) : undefined;
      if (before?.state === to) return undefined;
      let waits = before?.pending?.to === to ? before.pending.approval : undefined;
      let asked = by;
      if (waits === undefined) {
        const moved = await lifecycle.move(serial, { to, reason: `to ${to}`, evidence: given }, by);
        if (!moved.ok) return moved.fault.code;
        if (moved.value.state === to) return undefined;
        waits = moved.value.pending?.approval;
      } else asked = operators.find(({ subject }) => subject === before?.pending?.by) ?? by;
      if (waits === undefined) return 'nobody was asked';
      if (isDishonest) {
        const own = await approvals.decide(waits, secondTokenOf(asked), 'approved');
        this.trial('one person for two', !own.ok);
        if (own.ok) return undefined;
      }
      const decided = await approvals.decide(waits, second, 'approved');
      return decided.ok ? undefined : decided.fault.code;
    });
    if (refusal === undefined) {
      if (given.bagNumber !== undefined) unit.bag = bagAfter(to) === 'closed' ? given.bagNumber : null;
      if (destroyed) unit.isDestroyed = true;
      if (to === 'returned' && unit.isAlive) unit.leftBehind += unit.sales;
    }
    return refusal;
  }

  /** As `move`, where a refusal would be a bug of the script or of the house. */
  async mustMove(unit: Unit, to: LifecycleState, given: Evidence = {}): Promise<void> {
    const refusal = await this.move(unit, to, given);
    if (refusal !== undefined) throw new Error(`${unit.serial} to ${to}: ${refusal}`);
  }

  /** A thing changes hands; both sign. Now and then somebody tries it alone, or out of turn. */
  async handOver(unit: Unit, from: Hand, to: Hand): Promise<void> {
    const { serial } = unit;
    const paper = { at: this.house.now, bag: unit.bag };
    const by = this.operator();
    const deliver = (signed: ReturnType<typeof handOver>['signed']) =>
      this.house.act(({ custody }) => custody.deliver(signed, by));
    if (this.goesWrong(2)) {
      const forged = handOver(serial, unit.custody, [from, to], { ...paper, signers: [to, to] });
      const taken = await deliver(forged.signed);
      this.trial('one hand signs for both', !taken.ok);
      if (taken.ok) unit.custody = forged.head;
    }
    if (unit.custody.holder !== null && this.goesWrong(2)) {
      const stranger = everyHand(this.hands).find((each) => ![from, to].includes(each)) ?? this.hands.maker;
      const alien = handOver(serial, unit.custody, [stranger, to], paper);
      this.trial('handed over by who did not have it', !(await deliver(alien.signed)).ok);
    }
    const made = handOver(serial, unit.custody, [from, to], paper);
    const taken = await deliver(made.signed);
    if (!taken.ok) throw new Error(`${serial} was not handed over: ${taken.fault.code} (${custodyPurpose})`);
    unit.custody = made.head;
    if (this.goesWrong(2)) await deliver(made.signed);
  }

  /** A terminal without a key agrees on one. */
  async enrol(unit: Unit): Promise<void> {
    const { vault } = this.house;
    unit.enrolments += 1;
    unit.keys.clear();
    const id = `kbpk/${unit.serial}/${unit.enrolments}`;
    const protection = Uint8Array.from([...marker, ...this.chance.bytes(32 - marker.length)]);
    await this.house.act(async ({ store, keys }) => {
      const kept = vault.find(id) ?? (await vault.keep(id, 'key-block-protection', Secret.copy('key', protection)));
      await store.write((tx) => keys.protect(tx, unit.serial, kept.id, kept.checkValue));
    });
  }

  /** Loads its keys, as its hellos ask for them; its power may fail before a key is written, or after that and before its report. */
  async loadKeys(unit: Unit): Promise<void> {
    const { serial } = unit;
    for (let hellos = 0; hellos < 8; hellos++) {
      const shown = [...unit.keys].map(([slot, kcv]) => ({ slot, kcv }));
      const { loads } = await this.house.act(({ store, keys }) =>
        store.write((tx) => keys.reconcile(tx, serial, shown, () => false)),
      );
      if (loads.length === 0) return;
      for (const { slot, kcv } of loads) {
        if (this.goesWrong(3)) {
          this.trial('power cut before a key is written', true);
          break;
        }
        unit.keys.set(slot, kcv);
        if (this.goesWrong(3)) {
          this.trial('power cut before a key is reported', true);
          break;
        }
        await this.house.act(({ store, keys }) => store.write((tx) => keys.proven(tx, serial, { slot, kcv })));
      }
    }
    throw new Error(`${serial} got no keys`);
  }

  keyCheckValues = (unit: Unit): NonNullable<Evidence['keyCheckValues']> =>
    [...unit.keys].map(([slot, kcv]) => ({ slot, kcv }));

  /** Has a terminal do something, and waits until it did. @returns the job */
  async job(unit: Unit, body: JobBody): Promise<string> {
    const { serial } = unit;
    const by = this.operator();
    const reference = `${body.type} ${serial} ${this.house.now}`;
    const second = this.chance.pick(admins);
    const isDishonest = this.goesWrong(5);
    const id = await this.house.act(async ({ jobs }, isAgain) => {
      this.acts += 1;
      const had = isAgain ? unwrap(await jobs.list({ serial, reference }, { limit: 1 })).items[0] : undefined;
      const job = had ?? unwrap(await jobs.start(serial, body, by, { reference }));
      if (job.state !== 'held') return job.id;
      if (isDishonest) this.trial('one person for two', !(await jobs.approve(job.id, secondTokenOf(by))).ok);
      // Approved already where the power failed after that.
      await jobs.approve(job.id, second);
      return job.id;
    });
    await this.answer(unit);
    return id;
  }

  /** A terminal that has a line does what waits for it. Its power may fail between the effect and the report. */
  async answer(unit: Unit): Promise<void> {
    unit.connect();
    const done = new Map<string, JobReport>();
    for (let asks = 0; asks < 20; asks++) {
      const document = await this.house.act(({ jobs }) => jobs.next(unit.serial));
      if (!document) return;
      const order = unwrap(parseJson(jobOrder, document.payload, 65_536));
      const report = done.get(order.job) ?? unit.perform(order, this.house.now);
      done.set(order.job, report);
      if (this.goesWrong(3)) {
        this.trial('power cut before a report', true);
        continue;
      }
      const tell = () => this.house.act(({ jobs }) => jobs.report(unit.serial, order.job, report));
      unwrap(await tell());
      if (this.goesWrong(3)) unwrap(await tell());
    }
  }

  /** The certificate under which it swears, on record as its enrolment would have put it there. */
  async certified(unit: Unit): Promise<void> {
    const pem = unit.certificate();
    const row = {
      fingerprint: sha256(pem),
      kind: 'terminal' as const,
      subject: unit.serial,
      key: sha256(`${unit.serial} ${unit.body}`),
      pem,
      issued_at: this.house.now,
      not_after: this.house.now + 366 * 86_400_000,
      ended_at: null,
      issuer: null,
      revoked_at: null,
    };
    await this.house.act(({ store }) =>
      store.write((tx) =>
        tx
          .insertInto('certificates')
          .values(row)
          .onConflict((conflict) => conflict.doNothing())
          .execute(),
      ),
    );
  }
}

/** Into these it goes in a fresh bag; into all others it comes out of one. */
const bagAfter = (to: LifecycleState): 'closed' | 'opened' =>
  to === 'in-transit' || to === 'returned' || to === 'redeploy' ? 'closed' : 'opened';
