import { createHash } from 'node:crypto';
import { type KeyCeremonies, negativeTagKey } from '@tsunagu/fleet-server/keys/index';
import { insertRows } from '@tsunagu/fleet-server/store/index';
import { openVerifier } from '@tsunagu/protocols/audit';
import { dukptSchemeOf } from '@tsunagu/protocols/catalogue';
import { verifyCustody } from '@tsunagu/protocols/custody';
import { initialKeyIdAt, initialKeyIdsOf } from '@tsunagu/protocols/dukpt';
import {
  type KeyRecord,
  verifyKeyRecord,
  evidence as evidenceSchema,
  type keySlots,
  type LifecycleState,
  parseJson,
  serialSchema,
} from '@tsunagu/protocols/fleet';
import { hex, Secret, unwrap } from '@tsunagu/protocols/kit';
import { chanceOf } from '../random.ts';
import { beginsAt } from '../world.ts';
import { bringKey, type Brought } from './ceremony.ts';
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
  cutEvery: 15_000,
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
      brought: [],
    };
    await crew.register();
    await furnish(fleet, order.terminals);
    house.letPowerFail();
    fleet.brought.push(await bringKey(crew, 'bdk/9'));
    await run(fleet, plan(fleet, order));
    return await lookBack(fleet);
  } finally {
    await house.remove();
  }
}

/** As many are put on the inventory, in one transaction each. */
const batch = 250;

/** The fleet as the year finds it: in its shops, certified and keyed, as the rooms would have written it down. */
async function furnish(fleet: Fleet, terminals: number): Promise<void> {
  for (let first = 0; first < terminals; first += batch) {
    const units = Array.from({ length: Math.min(batch, terminals - first) }, () => newUnit(fleet));
    await fleet.crew.house.act((rooms) => putInShops(fleet, rooms, units));
  }
}

function newUnit(fleet: Fleet): Unit {
  fleet.bodies += 1;
  const unit = new Unit(serialSchema.parse(`YEAR-${String(fleet.bodies).padStart(6, '0')}`), fleet.bodies);
  fleet.units.set(unit.serial, unit);
  return unit;
}

const model = 'CT-5100';

const terminalRow = ({ serial, body }: Unit, lifecycle: LifecycleState, at: number) => ({
  serial,
  model,
  merchant: 'm',
  shop: `s${body >> 2}`,
  lane: String(body & 3),
  parent: null,
  relay_port: null,
  registered_at: at,
  lifecycle,
  lifecycle_since: at,
  enrolled_at: lifecycle === 'deployed' ? at : null,
});

const firstStep = ({ serial, seals, connections }: Unit, to: LifecycleState, at: number) => {
  // What stands in a shop was looked at when it was put there.
  const evidence = to === 'deployed' ? JSON.stringify({ seals, connections }) : null;
  return { serial, at, from_state: null, to_state: to, by: 'house', reason: 'registered', evidence };
};

async function register({ crew: { house } }: Fleet, { store }: Rooms, unit: Unit): Promise<void> {
  await store.write(async (tx) => {
    await tx
      .insertInto('terminals')
      .values(terminalRow(unit, 'ordered', house.now))
      .execute();
    await tx
      .insertInto('lifecycle_moves')
      .values(firstStep(unit, 'ordered', house.now))
      .execute();
  });
}

/** Their keys are made by the vault, and are in the ledger as loaded; the ledger is asked whether it sees it so. */
async function putInShops({ crew }: Fleet, { store, keys }: Rooms, units: readonly Unit[]): Promise<void> {
  const { house, chance } = crew;
  const { vault, world, now: at } = house;
  const scheme = dukptSchemeOf(model);
  const base = keys.base(scheme);
  const ids = initialKeyIdsOf(scheme, vault.find(base)?.checkValue ?? '');
  type Row = Record<string, string | number | null>;
  const protections: Row[] = [];
  const ledger: Row[] = [];
  for (const unit of units) {
    const { serial } = unit;
    const secret = Uint8Array.from([...marker, ...chance.bytes(32 - marker.length)]);
    const kept = await vault.keep(`kbpk/${serial}/1`, 'key-block-protection', Secret.copy('key', secret));
    protections.push({ serial, vault_key: kept.id, kcv: kept.checkValue, agreed_at: at, scheme: 'agreement' });
    const initialKeyId = initialKeyIdAt(ids, unit.body);
    const made = {
      dukpt: { ...unwrap(vault.wrapInitialKey(kept.id, base, hex(initialKeyId))), initialKeyId, parent: base },
      negative: { ...unwrap(vault.wrapTagKey(kept.id, negativeTagKey)), initialKeyId: null, parent: negativeTagKey },
    } as const satisfies Partial<Record<(typeof keySlots)[number], unknown>>;
    for (const slot of ['dukpt', 'negative'] as const) {
      const { checkValue: kcv, keyBlock: key_block, initialKeyId: initial_key_id, parent: parent_key } = made[slot];
      const id = world.id();
      const entry = { id, serial, slot, kcv, initial_key_id, parent_key, protected_by: kept.id, key_block };
      ledger.push({ ...entry, state: 'loaded', allocated_at: at, loaded_at: at });
      unit.keys.set(slot, kcv);
    }
    unit.enrolments = 1;
  }
  await store.write(async (tx) => {
    const put = async (
      table: 'terminals' | 'lifecycle_moves' | 'protection_keys' | 'key_ledger',
      rows: readonly Row[],
    ): Promise<void> => insertRows(tx, table, { plain: Object.keys(rows[0] ?? {}) }, rows);
    await put(
      'terminals',
      units.map((unit) => terminalRow(unit, 'deployed', at)),
    );
    await put(
      'lifecycle_moves',
      units.map((unit) => firstStep(unit, 'deployed', at)),
    );
    await put('protection_keys', protections);
    await put('key_ledger', ledger);
    for (const { serial, keys: held } of units.slice(0, 1)) {
      const shown = [...held].map(([slot, kcv]) => ({ slot, kcv }));
      const { loads, loaded } = await keys.reconcile(tx, serial, shown, () => false);
      if (loads.length + loaded.length > 0) throw new Error(`${serial} has keys that the ledger does not know`);
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
    if (!known) await register(fleet, rooms, unit);
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
  const read = await house.act(async ({ store, custody, audit, ceremonies }) => {
    custodyLines.length = 0;
    for await (const line of custody.lines()) custodyLines.push(JSON.stringify(line));
    for await (const line of audit.lines()) verifier.line(line);
    const { db } = store;
    return {
      terminals: await db.selectFrom('terminals').select(['serial', 'lifecycle', 'shop', 'lane']).execute(),
      moves: await db.selectFrom('lifecycle_moves').selectAll().orderBy('id').execute(),
      keys: await db.selectFrom('key_ledger').select(['serial', 'slot', 'kcv', 'state']).execute(),
      protection: await db.selectFrom('protection_keys').select('serial').execute(),
      approvals: await db.selectFrom('approvals').selectAll().where('state', '=', 'approved').execute(),
      records: await recordsOf(ceremonies),
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
    clearKeys: house.files().flatMap((file) => clearKeysIn(file, fleet.brought)),
    unproven: read.records.filter((record) => !verifyKeyRecord(record).ok).length,
    acts: fleet.crew.acts,
    handovers: custody.handovers,
    cuts: house.cuts,
    statements: house.statements,
    hash: hash.digest('hex'),
  };
}

async function recordsOf(ceremonies: KeyCeremonies): Promise<readonly KeyRecord[]> {
  const all = unwrap(await ceremonies.list({ limit: 500 })).items;
  return await Promise.all(all.map(async ({ id }) => unwrap(await ceremonies.record(id))));
}

/** The mark of a key in each way in which it could be written down: as it is, in hex, in base64. */
function clearKeysIn(file: Buffer, brought: readonly Brought[]): readonly string[] {
  const bytes = Buffer.from(marker);
  const forms = {
    bytes,
    hex: Buffer.from(bytes.toString('hex')),
    HEX: Buffer.from(bytes.toString('hex').toUpperCase()),
    // Of eight bytes the first six are whole base64 digits.
    base64: Buffer.from(bytes.subarray(0, 6).toString('base64')),
  };
  const text = file.toString('latin1').toUpperCase();
  const parts = brought.flatMap(({ key, parts: all }) =>
    all.filter(({ hex }) => text.includes(hex) || file.includes(Buffer.from(hex, 'hex'))).map(() => key),
  );
  return [
    ...Object.entries(forms)
      .filter(([, form]) => file.includes(form))
      .map(([name]) => `a key of a terminal stands in the store (${name})`),
    ...parts.map((key) => `a component of ${key} stands in the store`),
  ];
}
