import type { stepsOfLife } from '@tsunagu/fleet-server/estate/index';
import { edgeBetween, type EvidenceItem, needsSecondWord, type LifecycleState } from '@tsunagu/protocols/fleet';
import type { CustodyReport } from '@tsunagu/protocols/custody';
import type { AuditReport } from '@tsunagu/protocols/audit';
import { humanBehind } from './people.ts';
import type { Fleet } from './lives.ts';
import type { Unit } from './unit.ts';

/** A step of a life as it stands in the store. */
export type Step = Awaited<ReturnType<typeof stepsOfLife>>[number];

/** A year that is over: what the store says at its end, beside how things truly are. */
export interface Year {
  readonly fleet: Fleet;
  readonly terminals: readonly {
    readonly serial: string;
    readonly lifecycle: LifecycleState;
    readonly lane: string;
    readonly shop: string;
  }[];
  readonly steps: ReadonlyMap<string, readonly Step[]>;
  readonly keys: readonly {
    readonly serial: string;
    readonly slot: string;
    readonly kcv: string;
    readonly state: string;
  }[];
  /** Terminals with a key-block protection key on record or in the vault. */
  readonly protected: ReadonlySet<string>;
  readonly approvals: readonly { readonly subject: string; readonly by: string; readonly decidedBy: string }[];
  readonly custody: CustodyReport;
  readonly audit: AuditReport;
  /** Places of the store's files where a key of a terminal stands in the clear. */
  readonly clearKeys: readonly string[];
  /** Records of ceremonies that do not replay. */
  readonly unproven: number;
}

/** What must hold of every year. @returns what is wrong, one line each; nothing when it holds */
export type YearInvariant = (year: Year) => readonly string[];

const unitOf = ({ fleet }: Year, serial: string): Unit | undefined => fleet.units.get(serial);

/** A terminal is in one state, one lane and one pair of hands at a time, and it is that one thing. */
export const noTerminalIsInTwoPlaces: YearInvariant = (year) => {
  const lanes = new Map<string, string>();
  const wrong: string[] = year.fleet.seenAtWork.map((serial) => `${serial} connected while it was in a bag`);
  for (const { serial, lifecycle, shop, lane } of year.terminals) {
    const steps = year.steps.get(serial) ?? [];
    steps.forEach(({ from, to }, index) => {
      const before = steps[index - 1]?.to ?? null;
      if (from !== before) wrong.push(`${serial} went from ${from} to ${to}, and was ${before}`);
    });
    if (steps.at(-1)?.to !== lifecycle) wrong.push(`${serial} is ${lifecycle}, and went to ${steps.at(-1)?.to}`);
    if (lifecycle === 'deployed') {
      const other = lanes.get(`${shop} ${lane}`);
      if (other !== undefined) wrong.push(`${serial} and ${other} sell in one lane`);
      lanes.set(`${shop} ${lane}`, serial);
    }
    const unit = unitOf(year, serial);
    const taken = year.fleet.takenFor.get(serial);
    if (unit && taken !== undefined && taken !== unit.body) wrong.push(`${serial} is taken for another thing`);
  }
  return wrong;
};

/** In what was scrapped, no key is left that anybody counts on, in the ledger, the vault or the unit. */
export const noLiveKeyIsInAScrappedUnit: YearInvariant = (year) =>
  year.terminals
    .filter(({ lifecycle }) => lifecycle === 'scrap')
    .flatMap(({ serial }) => {
      const live = year.keys.filter((key) => key.serial === serial && ['allocated', 'loaded'].includes(key.state));
      const unit = unitOf(year, serial);
      return [
        ...live.map(({ slot, state }) => `${serial} is scrapped, and its ${slot} key is ${state}`),
        ...(year.protected.has(serial) ? [`${serial} is scrapped, and its protection key is kept`] : []),
        ...(unit && !unit.isDestroyed && unit.keys.size > 0 ? [`${serial} is scrapped with keys in it`] : []),
      ];
    });

/** What is dead by its papers says nothing, and owes nothing. */
export const noScrappedUnitSpeaks: YearInvariant = (year) =>
  year.terminals
    .filter(({ lifecycle }) => lifecycle === 'scrap')
    .flatMap(({ serial }) => {
      const unit = unitOf(year, serial);
      if (!unit) return [];
      return [
        ...(unit.isAlive && !unit.isDestroyed && unit.wipes.size === 0 ? [`${serial} is scrapped, and speaks`] : []),
        ...(unit.isAlive && unit.sales > 0 ? [`${serial} is scrapped with ${unit.sales} sales in it`] : []),
      ];
    });

/** Every step is an edge of the graph, with everything that the edge asks for, and all of it true. */
export const noEdgeIsTakenWithoutEvidence: YearInvariant = (year) => {
  const bags = new Set<string>();
  const wrong: string[] = [];
  const all = [...year.steps].flatMap(([serial, steps]) =>
    steps.map((step, index) => ({ serial, steps, step, index })),
  );
  for (const { serial, steps, step, index } of all.toSorted((one, other) => one.step.id - other.step.id)) {
    const { from, to, evidence, approvedBy } = step;
    const unit = unitOf(year, serial);
    if (from === null || !unit) continue;
    const say = (what: string): void => void wrong.push(`${serial} from ${from} to ${to}: ${what}`);
    const edge = edgeBetween(from, to);
    if (!edge) {
      say('there is no such edge');
      continue;
    }
    const before = steps.slice(0, index);
    for (const item of edge.evidence) {
      if (item === 'secondPerson' ? approvedBy === null : evidence[item] === undefined) say(`no ${item}`);
      else if (!isTrue(item, year, unit, step, before)) say(`the ${item} is not true`);
    }
    if (needsSecondWord(evidence) && approvedBy === null) say('one person declares it alone');
    if (edge.bag === 'closed' && evidence.bagNumber !== undefined) {
      if (bags.has(evidence.bagNumber)) say('the bag was used before');
      bags.add(evidence.bagNumber);
    }
  }
  return wrong;
};

function isTrue(
  item: EvidenceItem,
  year: Year,
  unit: Unit,
  { from, to, evidence }: Step,
  before: readonly Step[],
): boolean {
  const { wipeProof, nothingOwed, tests, photo, keyCheckValues, bagNumber, seals, connections } = evidence;
  const edge = from === null ? undefined : edgeBetween(from, to);
  switch (item) {
    case 'wipeProof':
      return wipeProof?.by === 'job' ? unit.wipes.has(wipeProof.job) : unit.isDestroyed;
    case 'nothingOwed':
      if (nothingOwed?.by === 'job') return unit.clear.has(nothingOwed.job) || unit.wipes.has(nothingOwed.job);
      return !unit.isAlive;
    case 'tests':
      return tests?.by !== 'job' || unit.tests.has(tests.job);
    case 'photo':
      return photo === undefined || unit.photos.has(photo);
    case 'keyCheckValues':
      return (keyCheckValues ?? []).every(({ slot, kcv }) =>
        year.keys.some((key) => key.serial === unit.serial && key.slot === slot && key.kcv === kcv),
      );
    case 'seals':
      return unit.wore(seals ?? []);
    case 'connections':
      return connections === unit.connections;
    case 'bagNumber': {
      if (edge?.bag !== 'opened') return true;
      const closed = before.findLast((step) => {
        const use = step.from === null ? undefined : edgeBetween(step.from, step.to)?.bag;
        return use !== undefined;
      });
      const last = closed?.from == null ? undefined : edgeBetween(closed.from, closed.to);
      return last?.bag !== 'closed' || closed?.evidence.bagNumber === bagNumber;
    }
    case 'recycling':
    case 'investigation':
    case 'secondPerson':
      return true;
  }
}

/** Whatever has to do with keys is two human beings' doing, and no key was ever written where one of them could read it. */
export const noKeyIsKnownToOnePerson: YearInvariant = (year) => [
  ...[...year.steps].flatMap(([serial, steps]) =>
    steps
      .filter(({ by, approvedBy }) => approvedBy !== null && humanBehind(by) === humanBehind(approvedBy))
      .map(({ to, by }) => `${serial} went to ${to} by ${by} alone`),
  ),
  ...year.approvals
    .filter(({ by, decidedBy }) => humanBehind(by) === humanBehind(decidedBy))
    .map(({ subject, by }) => `${by} asked for ${subject} and approved it`),
  ...year.fleet.brought.flatMap(({ key, parts }) =>
    parts
      .filter(({ human }, index) => parts.findIndex((one) => one.human === human) !== index)
      .map(({ human }) => `${human} brought two components of ${key}`),
  ),
  ...(year.unproven > 0 ? [`${year.unproven} records of ceremonies do not replay`] : []),
  ...year.clearKeys,
];

/** Every chain verifies without the house, ends where its papers say, and in true hands. */
export const everyChainVerifies: YearInvariant = ({ custody, audit, fleet }) => [
  ...custody.findings.map(({ code, serial, line }) => `custody of ${serial}, line ${line}: ${code}`),
  ...[...fleet.units.values()]
    .filter(({ serial, custody: { hash, seq } }) => seq > 0 && custody.heads.get(serial)?.hash !== hash)
    .map(({ serial }) => `the chain of ${serial} does not end where its papers do`),
  ...audit.findings.map(({ kind, from, to }) => `audit log: ${kind} from ${from} to ${to}`),
  ...(audit.unsigned > 0 ? [`audit log: ${audit.unsigned} entries that nobody signed for`] : []),
];

/** What left its shop with a line had delivered every sale. */
export const noSaleIsLeftBehind: YearInvariant = ({ fleet }) =>
  [...fleet.units.values()]
    .filter(({ leftBehind }) => leftBehind > 0)
    .map(({ serial, leftBehind }) => `${serial} left its shop with ${leftBehind} sales in it`);

/** Whoever does what is right gets on with it, whatever failed before. */
export const everyLifeGoesOn: YearInvariant = ({ fleet }) => fleet.stuck;

/** All of them, by name. */
export const yearInvariants = {
  noTerminalIsInTwoPlaces,
  noLiveKeyIsInAScrappedUnit,
  noScrappedUnitSpeaks,
  noEdgeIsTakenWithoutEvidence,
  noKeyIsKnownToOnePerson,
  everyChainVerifies,
  noSaleIsLeftBehind,
  everyLifeGoesOn,
} as const satisfies Record<string, YearInvariant>;
export type YearInvariantName = keyof typeof yearInvariants;

/** What is broken in a year, by the name of the invariant. */
export const brokenIn = (year: Year): readonly { readonly name: YearInvariantName; readonly what: string }[] =>
  (Object.keys(yearInvariants) as YearInvariantName[]).flatMap((name) =>
    yearInvariants[name](year).map((what) => ({ name, what })),
  );
