import { createHash } from 'node:crypto';
import { openVerifier } from '@tsunagu/protocols/audit';
import { verifyCustody } from '@tsunagu/protocols/custody';
import { evidence as evidenceSchema, type LifecycleState, parseJson, serialSchema } from '@tsunagu/protocols/fleet';
import { Secret } from '@tsunagu/protocols/kit';
import { chanceOf } from '../random.ts';
import { beginsAt } from '../world.ts';
import { Crew, marker } from './crew.ts';
import { House, type HouseBugs, type Rooms } from './house.ts';
import type { Step, Year } from './invariants.ts';
import { arrival, day, endOfContract, exchange, type Fleet, type Life, round } from './lives.ts';
import { Unit } from './unit.ts';

/** A year that is to be simulated. */
export interface YearOrder {
  readonly seed: number;
  /** In the field when the year begins. */
  readonly terminals: number;
  /** New ones in the year, units that are exchanged, contracts that end, inspections. */
  readonly arrivals: number;
  readonly exchanges: number;
  readonly ends: number;
  readonly rounds: number;
  /** The server's power fails about once in so many statements of its database. */
  readonly cutEvery: number;
  /** How many times as much goes wrong as in an ordinary year. */
  readonly trouble: number;
}

/** A year of a fleet of this size, with the churn of an ordinary one. */
export const yearOf = (seed: number, terminals: number): YearOrder => ({
  seed,
  terminals,
  arrivals: Math.ceil(terminals * 0.05),
  exchanges: Math.ceil(terminals * 0.06),
  ends: Math.ceil(terminals * 0.01),
  rounds: Math.ceil(terminals * 0.1),
  cutEvery: 20_000,
  trouble: 1,
});

/** A year that was simulated, and what it took. */
export interface PastYear extends Year {
  readonly acts: number;
  readonly handovers: number;
  readonly cuts: number;
  readonly statements: number;
  /** SHA-256 over every step of every life, in their order: the same for the same seed. */
  readonly hash: string;
}

/** Simulates a year in virtual time. */
export async function liveAYear(order: YearOrder, bugs: HouseBugs = {}): Promise<PastYear> {
  const house = await House.open(order.seed, beginsAt, { cutEvery: order.cutEvery, bugs });
  try {
    const crew = new Crew(house, chanceOf(order.seed, 'crew'), order.trouble);
    const fleet: Fleet = {
      crew,
      units: new Map(),
      spares: [],
      takenFor: new Map(),
      seenAtWork: [],
      stuck: [],
      parts: [],
      bodies: 0,
    };
    await crew.register();
    await furnish(fleet, order.terminals);
    house.letPowerFail();
    await run(fleet, plan(fleet, order));
    return await lookBack(fleet);
  } finally {
    await house.remove();
  }
}

const batch = 250;

/** The fleet as the year finds it: in its shops, keyed. */
async function furnish(fleet: Fleet, terminals: number): Promise<void> {
  for (let first = 0; first < terminals; first += batch) {
    const units = Array.from({ length: Math.min(batch, terminals - first) }, () => newUnit(fleet));
    await fleet.crew.house.act((rooms) => register(fleet, rooms, units, 'deployed'));
    for (const unit of units) unit.enrolments = 1;
  }
}

function newUnit(fleet: Fleet): Unit {
  fleet.bodies += 1;
  const unit = new Unit(serialSchema.parse(`YEAR-${String(fleet.bodies).padStart(6, '0')}`), fleet.bodies);
  fleet.units.set(unit.serial, unit);
  return unit;
}

/** Puts units on the inventory; what is deployed already has its certificate and its keys. */
async function register({ crew }: Fleet, { store, keys }: Rooms, units: readonly Unit[], state: LifecycleState) {
  const { house, chance } = crew;
  const at = house.now;
  await store.write(async (tx) => {
    for (const unit of units) {
      const { serial } = unit;
      const place = { merchant: 'm', shop: `s${unit.body >> 2}`, lane: String(unit.body & 3), parent: null };
      const life = { lifecycle: state, lifecycle_since: at, enrolled_at: state === 'deployed' ? at : null };
      const row = { serial, model: 'CT-5100', ...place, relay_port: null, registered_at: at, ...life };
      await tx.insertInto('terminals').values(row).execute();
      // What stands in a shop was looked at when it was put there.
      const { seals, connections } = unit;
      const evidence = state === 'deployed' ? JSON.stringify({ seals, connections }) : null;
      const step = { serial, at, from_state: null, to_state: state, by: 'house', reason: 'registered', evidence };
      await tx.insertInto('lifecycle_moves').values(step).execute();
      if (state !== 'deployed') continue;
      const protection = Uint8Array.from([...marker, ...chance.bytes(32 - marker.length)]);
      const kept = await house.vault.keep(`kbpk/${serial}/1`, 'key-block-protection', Secret.copy('key', protection));
      await keys.protect(tx, serial, kept.id, kept.checkValue);
      const { loads } = await keys.reconcile(tx, serial, [], () => false);
      for (const { slot, kcv } of loads) {
        unit.keys.set(slot, kcv);
        await keys.proven(tx, serial, { slot, kcv });
      }
    }
  });
}

/** Something that begins on a day of the year. */
interface Beginning {
  readonly at: number;
  readonly life: () => Life;
}

function plan(fleet: Fleet, order: YearOrder): Beginning[] {
  const chance = chanceOf(order.seed, 'plan');
  const deployed = [...fleet.units.values()];
  const any = (last: number): number => beginsAt + chance.int(0, last) * day + chance.int(0, 86_399) * 1_000;
  const times = (count: number, life: () => Life, last: number): Beginning[] =>
    Array.from({ length: count }, () => ({ at: any(last), life }));
  // What is in a shop now is taken out of it once at most, so that two plans do not meet in one unit.
  let next = 0;
  const another = (): Unit => {
    const unit = deployed[next++];
    if (!unit) throw new Error('more is to be exchanged than there is');
    return unit;
  };
  return [
    ...times(order.arrivals, () => bought(fleet), 300),
    ...times(order.exchanges, () => exchange(fleet, another()), 330),
    ...times(order.ends, () => endOfContract(fleet, another()), 330),
    ...times(order.rounds, () => round(fleet, chance.pick(deployed.slice(deployed.length >> 1))), 350),
  ];
}

async function* bought(fleet: Fleet): Life {
  const unit = newUnit(fleet);
  await fleet.crew.house.act(async (rooms, isAgain) => {
    const { store } = rooms;
    const known =
      isAgain &&
      (await store.db.selectFrom('terminals').select('serial').where('serial', '=', unit.serial).executeTakeFirst());
    if (!known) await register(fleet, rooms, [unit], 'ordered');
  });
  yield* arrival(fleet, unit);
}

/** Everything in the order of its time, one act after another, until the year and what it began is over. */
async function run({ crew: { house }, stuck }: Fleet, beginnings: readonly Beginning[]): Promise<void> {
  interface Due {
    readonly at: number;
    readonly life: Life;
  }
  const due: Due[] = beginnings
    .map(({ at, life }) => ({ at, life: life() }))
    .toSorted((one, other) => other.at - one.at);
  for (let next = due.pop(); next; next = due.pop()) {
    house.now = Math.max(house.now, next.at);
    const { life } = next;
    const step = await life.next().catch((error: unknown) => {
      stuck.push(error instanceof Error ? error.message : String(error));
    });
    if (!step || step.done === true) continue;
    const again: Due = { at: house.now + step.value, life };
    const place = due.findLastIndex(({ at }) => at >= again.at) + 1;
    due.splice(place, 0, again);
  }
}

async function lookBack(fleet: Fleet): Promise<PastYear> {
  const { house } = fleet.crew;
  // A last start, at which the vault forgets what nobody has any more.
  await house.restart();
  const custodyLines: string[] = [];
  const verifier = openVerifier();
  const read = await house.act(async ({ store, custody, audit }) => {
    custodyLines.length = 0;
    for await (const line of custody.lines()) custodyLines.push(JSON.stringify(line));
    for await (const line of audit.lines()) verifier.line(JSON.stringify(line));
    const { db } = store;
    return {
      terminals: await db.selectFrom('terminals').select(['serial', 'lifecycle', 'shop', 'lane']).execute(),
      moves: await db.selectFrom('lifecycle_moves').selectAll().orderBy('id').execute(),
      keys: await db.selectFrom('key_ledger').select(['serial', 'slot', 'kcv', 'state']).execute(),
      protection: await db.selectFrom('protection_keys').select('serial').execute(),
      approvals: await db.selectFrom('approvals').selectAll().where('state', '=', 'approved').execute(),
    };
  });
  const steps = new Map<string, Step[]>();
  const hash = createHash('sha256');
  for (const row of read.moves) {
    hash.update(`${row.serial} ${row.at} ${row.from_state} ${row.to_state} ${row.by} ${row.evidence}\n`);
    const given = row.evidence === null ? undefined : parseJson(evidenceSchema, row.evidence, 65_536);
    const { id, at, by, reason, from_state: from, to_state: to, approved_by: approvedBy } = row;
    const step = { id, at, from, to, by, reason, evidence: given?.ok ? given.value : {}, approvedBy };
    const before = steps.get(row.serial);
    if (before) before.push(step);
    else steps.set(row.serial, [step]);
  }
  const kept = house.vault.idsFor('key-block-protection').map((id) => id.split('/')[1] ?? id);
  await house.close();
  const custody = verifyCustody(custodyLines);
  return {
    fleet,
    terminals: read.terminals,
    steps,
    keys: read.keys,
    protected: new Set([...kept, ...read.protection.map(({ serial }) => serial)]),
    approvals: read.approvals.map(({ subject, requested_by: by, decided_by: decidedBy }) => ({
      subject,
      by,
      decidedBy: decidedBy ?? '',
    })),
    custody,
    audit: verifier.end(),
    clearKeys: house.files().flatMap((file) => clearKeysIn(file)),
    acts: fleet.crew.acts,
    handovers: custody.handovers,
    cuts: house.cuts,
    statements: house.statements,
    hash: hash.digest('hex'),
  };
}

/** The mark of a key in each way in which it could be written down: as it is, in hex, in base64. */
function clearKeysIn(file: Buffer): readonly string[] {
  const bytes = Buffer.from(marker);
  const forms = {
    bytes,
    hex: Buffer.from(bytes.toString('hex')),
    HEX: Buffer.from(bytes.toString('hex').toUpperCase()),
    // Of eight bytes the first six are whole base64 digits.
    base64: Buffer.from(bytes.subarray(0, 6).toString('base64')),
  };
  return Object.entries(forms)
    .filter(([, form]) => file.includes(form))
    .map(([name]) => `a key of a terminal stands in the store (${name})`);
}
