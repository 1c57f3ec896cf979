import { benchTest } from '../../bench-test.ts';
import { mayNow } from '@tsunagu/fleet-server/estate/index';
import { signInspection } from '@tsunagu/protocols/inspection';
import { serialSchema } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import type { WorkEntry } from '@tsunagu/protocols/refurbish';
import type { Hand } from './people.ts';
import type { Brought } from './ceremony.ts';
import type { Crew } from './crew.ts';
import { Unit } from './unit.ts';

const hour = 3_600_000;
export const day = 24 * hour;

/** A stretch of a life: what is yielded is how long it takes until something happens again, milliseconds. */
export type Life<T = void> = AsyncGenerator<number, T, void>;

/** The fleet as it truly is. */
export interface Fleet {
  readonly crew: Crew;
  readonly units: Map<string, Unit>;
  /** Keyed, in the depot, for whoever needs one. */
  readonly spares: Unit[];
  /** Which thing the house took for a serial, where somebody checked. */
  readonly takenFor: Map<string, number>;
  /** Serials that were seen at work although they are not where they could. */
  readonly seenAtWork: string[];
  /** Where somebody did what is right, and the house did not go along. */
  readonly stuck: string[];
  /** Parts that were taken out of what will not work again. */
  readonly parts: { readonly part: string; readonly from: Unit['serial'] }[];
  bodies: number;
  /** Keys that came by a ceremony, and whose parts they are of. */
  readonly brought: Brought[];
}

const keyed = async ({ crew }: Fleet, unit: Unit): Promise<void> => {
  unit.isLeaving = false;
  await crew.enrol(unit);
  await crew.loadKeys(unit);
  const given = { keyCheckValues: crew.keyCheckValues(unit) };
  const [first] = given.keyCheckValues;
  if (first && crew.goesWrong(4)) {
    const other = { keyCheckValues: [{ ...first, kcv: '0123456789' }, ...given.keyCheckValues.slice(1)] };
    crew.trial('check values of another key', (await crew.move(unit, 'keyed', other)) !== undefined);
  }
  await crew.mustMove(unit, 'keyed', given);
};

/** From the maker to the depot, and keyed. */
export async function* arrival(fleet: Fleet, unit: Unit): Life {
  const { crew } = fleet;
  const carrier = crew.carrier();
  await crew.handOver(unit, crew.hands.maker, carrier);
  yield crew.chance.int(1, 3) * day;
  await crew.handOver(unit, carrier, crew.hands.depot);
  if (crew.goesWrong(3))
    crew.trial('no photo', (await crew.move(unit, 'warehouse', { bagNumber: 'MAKER-1' })) !== undefined);
  await crew.mustMove(unit, 'warehouse', { bagNumber: `MAKER-${unit.body}`, ...unit.look() });
  yield crew.chance.int(2, 48) * hour;
  await keyed(fleet, unit);
  fleet.spares.push(unit);
}

/** From the depot to a shop's door: in the hands of a technician, with the evidence of how it came. */
async function* journey(fleet: Fleet, unit: Unit): Life<{ readonly bagNumber: string; readonly by: Hand } | undefined> {
  const { crew, units } = fleet;
  const { chance } = crew;
  const bagNumber = crew.newBag();
  if (crew.goesWrong(3)) {
    const used = { bagNumber: 'BAG-000001', seals: [...unit.seals] };
    if (bagNumber !== used.bagNumber)
      crew.trial('a bag that was used', (await crew.move(unit, 'in-transit', used)) !== undefined);
  }
  await crew.mustMove(unit, 'in-transit', { bagNumber, seals: [...unit.seals] });
  const [carrier, technician] = [crew.carrier(), crew.technician()];
  await crew.handOver(unit, crew.hands.depot, carrier);
  yield chance.int(6, 30) * hour;
  if (crew.goesWrong(3)) {
    // A clone of what is on its way asks to be let in.
    const admitted = await crew.house.act(({ store }) => mayNow(store.db, unit.serial, 'connect'));
    crew.trial('a clone that connects', !admitted.ok);
    if (admitted.ok) fleet.seenAtWork.push(unit.serial);
  }
  if (crew.goesWrong(4)) {
    crew.trial('lost bag', true);
    await crew.mustMove(unit, 'lost');
    yield chance.int(5, 40) * day;
    if (chance.percent(50)) return undefined;
    await crew.handOver(unit, carrier, crew.hands.workshop);
    await crew.mustMove(unit, 'returned', { bagNumber: crew.newBag(), photo: unit.photo() });
    yield* workshop(fleet, unit);
    return undefined;
  }
  await crew.handOver(unit, carrier, technician);
  if (crew.goesWrong(4)) {
    // The label is read wrongly: of another terminal, or of none.
    const other = chance.pick([...units.values()].slice(0, 50));
    const asked = { bagNumber, ...unit.look() };
    const moved = other.serial === unit.serial ? 'same' : await crew.move(other, 'deployed', asked);
    crew.trial('wrong serial', moved !== undefined);
    const strange = new Unit(serialSchema.parse('NOT-LISTED-1'), 0);
    crew.trial('a serial that is not listed', (await crew.move(strange, 'deployed', asked)) === 'TERMINAL_UNKNOWN');
  }
  if (crew.goesWrong(3)) {
    const rebagged = { bagNumber: 'BAG-999999', ...unit.look() };
    crew.trial('another bag', (await crew.move(unit, 'deployed', rebagged)) !== undefined);
    unwrap(await crew.house.act(({ custody }) => custody.mismatch(unit.serial, 'BAG-999999', crew.operator())));
    yield chance.int(1, 5) * day;
    await crew.mustMove(unit, 'inspected', unit.look());
    fleet.takenFor.set(unit.serial, unit.body);
    await crew.handOver(unit, technician, crew.hands.workshop);
    yield* mended(fleet, unit);
    return undefined;
  }
  if (crew.goesWrong(3)) {
    // What is in the bag is not what was put into it.
    fleet.bodies += 1;
    const clone = new Unit(unit.serial, fleet.bodies);
    const refusal = await crew.move(clone, 'deployed', { bagNumber, ...clone.look() });
    crew.trial('a clone in the bag', refusal !== undefined);
    if (refusal === undefined) fleet.takenFor.set(unit.serial, clone.body);
    else unwrap(await crew.house.act(({ custody }) => custody.mismatch(unit.serial, 'a clone', crew.operator())));
    yield day;
    if (refusal !== undefined) await crew.mustMove(unit, 'lost');
    return undefined;
  }
  return { bagNumber, by: technician };
}

/** A unit in a shop is replaced by a spare, and goes to the workshop. */
export async function* exchange(fleet: Fleet, old: Unit): Life {
  const { crew, spares } = fleet;
  const { chance, house } = crew;
  if (!(await isInItsShop(crew, old))) return;
  const fresh = spares.shift();
  if (!fresh) return;
  old.isLeaving = true;
  const arrived = yield* journey(fleet, fresh);
  if (!arrived) return;
  const { bagNumber, by: technician } = arrived;
  const given = { bagNumber, ...fresh.look() };
  const by = crew.operator();
  old.isAlive = !crew.goesWrong(10);
  if (old.isAlive) old.sellOffline(chance.int(0, 2));
  const id = await house.act(async ({ swaps }, isAgain) => {
    const had = isAgain
      ? unwrap(await swaps.list({ isOpen: false }, { limit: 200 })).items.find(
          (one) => one.new === fresh.serial && one.step !== 'aborted',
        )
      : undefined;
    if (had) return had.id;
    const begun = await swaps.start({ old: old.serial, new: fresh.serial, reason: 'fault', evidence: given }, by);
    if (!begun.ok) throw new Error(`no swap of ${old.serial} for ${fresh.serial}: ${begun.fault.code}`);
    return begun.value.id;
  });
  if (!old.isAlive) unwrap(await house.act(({ swaps }) => swaps.oldIsDead(id, by)));
  for (let looks = 0; ; looks++) {
    const { step, waitsFor } = unwrap(await house.act(({ swaps }) => swaps.advance(id)));
    if (step === 'closed') break;
    if (looks > 12) throw new Error(`the swap of ${old.serial} is ${step} and waits for ${waitsFor}`);
    // A diagnosis is given up after two minutes.
    yield chance.int(1, 60) * 1_000;
    if (old.isAlive) await crew.answer(old);
  }
  fleet.takenFor.set(fresh.serial, fresh.body);
  fresh.bag = null;
  yield* sentBack(fleet, old, technician);
}

/** From a shop to the workshop. */
async function* sentBack(fleet: Fleet, unit: Unit, technician: Hand): Life {
  const { crew } = fleet;
  const bagNumber = crew.newBag();
  if (unit.isAlive) {
    if (crew.goesWrong(10)) {
      unit.sellOffline(1);
      const job = await crew.job(unit, { type: 'terminal.diagnose', params: {} });
      const owing = { bagNumber, nothingOwed: { by: 'job', job } as const };
      crew.trial('returned with a sale in it', (await crew.move(unit, 'returned', owing)) !== undefined);
    }
    crew.house.now += 1_000;
    const job = await crew.job(unit, { type: 'terminal.diagnose', params: {} });
    await crew.mustMove(unit, 'returned', { bagNumber, nothingOwed: { by: 'job', job } });
  } else {
    const words = 'it does not start; the journal of the shop is complete';
    const nothingOwed = { by: 'declaration', words, silentSince: timeOf(crew) } as const;
    const refusal = await crew.move(unit, 'returned', { bagNumber, nothingOwed });
    if (refusal !== undefined) {
      crew.trial('declared away although it owes', true);
      await crew.mustMove(unit, 'quarantined');
      return;
    }
  }
  // The chain of what began its year in a shop begins here.
  const carrier = crew.carrier();
  const from = unit.custody.holder === null ? technician : handOf(crew, unit.custody.holder);
  await crew.handOver(unit, from, carrier);
  yield crew.chance.int(1, 4) * day;
  await crew.handOver(unit, carrier, crew.hands.workshop);
  yield* workshop(fleet, unit);
}

const handOf = ({ hands }: Crew, kid: string): Hand =>
  [hands.maker, hands.depot, ...hands.carriers, ...hands.technicians, hands.workshop].find(
    ({ holder }) => holder.kid === kid,
  ) ?? hands.depot;

/** Whether it stands in its shop, and nobody has begun to take it out. */
const isInItsShop = async ({ house }: Crew, unit: Unit): Promise<boolean> =>
  !unit.isLeaving && unwrap(await house.act(({ lifecycle }) => lifecycle.view(unit.serial))).state === 'deployed';

/** The contract of a shop is over. */
export async function* endOfContract(fleet: Fleet, unit: Unit): Life {
  if (!(await isInItsShop(fleet.crew, unit))) return;
  unit.isLeaving = true;
  yield* sentBack(fleet, unit, fleet.crew.technician());
}

async function* workshop(fleet: Fleet, unit: Unit): Life {
  const { crew } = fleet;
  yield crew.chance.int(4, 72) * hour;
  await crew.mustMove(unit, 'inspected', { bagNumber: unit.bag ?? crew.newBag(), ...unit.look() });
  fleet.takenFor.set(unit.serial, unit.body);
  yield* mended(fleet, unit);
}

/** On the bench: it goes out again, or it ends. */
async function* mended(fleet: Fleet, unit: Unit): Life {
  const { crew } = fleet;
  const { chance, house } = crew;
  const by = crew.operator();
  const isGood = unit.isAlive && chance.percent(75);
  const donated = isGood && chance.percent(40) ? fleet.parts.shift() : undefined;
  const work = await house.act(async ({ refurbish }, isAgain) => {
    const had = isAgain
      ? unwrap(await refurbish.list({ isOpen: true }, { limit: 500 })).items.find(
          ({ serial }) => serial === unit.serial,
        )
      : undefined;
    return (had ?? unwrap(await refurbish.open({ serial: unit.serial, intake: 'swap' }, by))).id;
  });
  const add = (entry: WorkEntry) =>
    house.act(async ({ refurbish }, isAgain) => {
      const taken = await refurbish.add(work, entry, by);
      // Closed or fitted already where the power failed after that.
      if (!taken.ok && !(isAgain && ['WORK_CLOSED', 'WORK_PART_UNKNOWN'].includes(taken.fault.code)))
        throw new Error(`bench: ${taken.fault.code}`);
    });
  await add({ kind: 'diagnosed', fault: donated ? 'PW-BATTERY' : isGood ? null : 'SW-BOOT' });
  await add({ kind: 'labour', minutes: chance.int(5, 90), costYen: 2_000 });
  await crew.mustMove(unit, 'refurbish');
  yield chance.int(1, 20) * day;
  if (donated) {
    const fit = { kind: 'part-fitted', part: donated.part, costYen: 0 } as const;
    if (crew.goesWrong(20)) {
      const taken = await house.act(({ refurbish }) => refurbish.add(work, { ...fit, from: unit.serial }, by));
      crew.trial('a part that nobody took out', !taken.ok);
    }
    await add({ ...fit, from: donated.from });
  }
  if (isGood) await add({ kind: 'bench-test', attestation: benchTest(house.now, work) });
  await add({
    kind: 'closed',
    outcome: donated ? 'repaired' : isGood ? 'no-fault-found' : 'beyond-repair',
    grade: isGood ? 'A' : null,
  });
  if (!isGood) {
    const part = 'BAT-2600';
    await add({ kind: 'part-harvested', part });
    fleet.parts.push({ part, from: unit.serial });
  }
  if (unit.isAlive) yield* wiped(fleet, unit, isGood);
  else await destroyed(fleet, unit);
}

const timeOf = ({ house }: Crew): string => new Date(house.now).toISOString();
const recycling = { recycler: '再資源化', receipt: 'R-1', batteryGrams: 40 };

/** What does not start is broken up: two persons say so, and its keys count no more. */
async function destroyed({ crew }: Fleet, unit: Unit): Promise<void> {
  await crew.mustMove(unit, 'scrap', declared(crew, unit));
}

/** What two persons say of a unit that says nothing any more. */
function declared(crew: Crew, unit: Unit) {
  const words = 'it does not start; the journal of the shop is complete';
  const at = timeOf(crew);
  return {
    wipeProof: { by: 'destruction', method: 'shredded', photo: unit.photo(), at },
    nothingOwed: { by: 'declaration', words, silentSince: at },
    recycling,
    photo: unit.photo(),
  } as const;
}

/** A sound unit is declared dead, and goes out of the back door: two persons say so, and it spoke an hour ago. */
async function declaredDead(crew: Crew, unit: Unit): Promise<boolean> {
  const refusal = await crew.move(unit, 'scrap', declared(crew, unit));
  crew.trial('a unit that speaks is declared dead', refusal === 'LIFECYCLE_STILL_SPEAKS');
  unit.isDestroyed = false;
  return refusal === undefined;
}

/** It forgets everything, swears to it, and goes out again or ends. */
async function* wiped(fleet: Fleet, unit: Unit, isGood: boolean): Life {
  const { crew, units } = fleet;
  const { chance } = crew;
  await crew.certified(unit);
  const test = await crew.job(unit, { type: 'terminal.test', params: {} });
  await crew.mustMove(unit, 'wipe');
  if (crew.goesWrong(10) && (await declaredDead(crew, unit))) return;
  if (crew.goesWrong(10)) {
    // Somebody saves the trouble: no wipe at all, or the papers of another unit's.
    const other = [...units.values()].find((one) => one.wipes.size > 0 && one !== unit);
    const [job = test] = other ? [...other.wipes] : [];
    const papers = { wipeProof: { by: 'job', job }, tests: { by: 'job', job: test } } as const;
    crew.trial('the wipe of another', (await crew.move(unit, 'redeploy', papers)) !== undefined);
    const owed = { wipeProof: papers.wipeProof, nothingOwed: papers.wipeProof, recycling };
    crew.trial('scrapped with live keys', (await crew.move(unit, 'scrap', owed)) !== undefined);
  }
  const job = await crew.job(unit, { type: 'terminal.wipe', params: {} });
  yield chance.int(1, 12) * hour;
  const wipeProof = { by: 'job', job } as const;
  if (!isGood) {
    await crew.mustMove(unit, 'scrap', { wipeProof, nothingOwed: wipeProof, recycling });
    return;
  }
  if (crew.goesWrong(5)) crew.trial('no test', (await crew.move(unit, 'redeploy', { wipeProof })) !== undefined);
  await crew.mustMove(unit, 'redeploy', { wipeProof, tests: { by: 'job', job: test } });
  yield chance.int(1, 10) * day;
  await crew.handOver(unit, crew.hands.workshop, crew.hands.depot);
  await keyed(fleet, unit);
  fleet.spares.push(unit);
}

/** A technician looks at a unit, and signs for what was there. */
async function inspectedBy(crew: Crew, unit: Unit, technician: Hand, surface: 'intact' | 'opened') {
  const { house } = crew;
  const seen = unit.look();
  const { photo = null, seals = [], connections = null } = seen;
  const id = house.world.id();
  const report = signInspection(
    {
      v: 1,
      id,
      serial: unit.serial,
      at: new Date(house.now).toISOString(),
      by: technician.holder.kid,
      surface,
      seals,
      connections,
      photo,
      words: '',
    },
    technician,
  );
  const findings = unwrap(await house.act(({ inspections }) => inspections.deliver(report, crew.operator())));
  return { id, seen, findings };
}

/** A technician comes to the shop. Now and then the seals are not those that were put on. */
export async function* round(fleet: Fleet, unit: Unit): Life {
  const { crew } = fleet;
  const { chance } = crew;
  if (!(await isInItsShop(crew, unit))) return;
  const technician = crew.technician();
  const isTampered = crew.goesWrong(4);
  const isResealed = isTampered && chance.percent(50);
  if (isResealed) unit.reseal();
  const { findings } = await inspectedBy(crew, unit, technician, isTampered ? 'opened' : 'intact');
  if (isTampered) crew.trial('a case that was opened', findings.length > 0);
  if (findings.length === 0) return;
  await crew.mustMove(unit, 'quarantined');
  yield chance.int(1, 6) * day;
  // Two persons looked, and it was the cleaner.
  if (!isResealed) await crew.mustMove(unit, 'deployed', unit.look());
  else yield* investigated(fleet, unit, technician);
}

/** A case that truly changed: it never goes back into a shop as it is. */
async function* investigated(fleet: Fleet, unit: Unit, technician: Hand): Life {
  const { crew } = fleet;
  crew.trial(
    'a case that changed goes back to its shop',
    (await crew.move(unit, 'deployed', unit.look())) !== undefined,
  );
  crew.trial(
    'a case that changed, and nobody says why',
    (await crew.move(unit, 'inspected', unit.look())) !== undefined,
  );
  if (crew.chance.percent(30)) {
    unit.isAlive = false;
    await destroyed(fleet, unit);
    return;
  }
  const { id, seen } = await inspectedBy(crew, unit, technician, 'opened');
  const investigation = { inspection: id, words: 'the shop had its counter rebuilt; nothing was put in' };
  await crew.mustMove(unit, 'inspected', { ...seen, investigation });
  const from = unit.custody.holder === null ? technician : handOf(crew, unit.custody.holder);
  await crew.handOver(unit, from, crew.hands.workshop);
  yield* mended(fleet, unit);
}
