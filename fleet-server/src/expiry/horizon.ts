import {
  type ExpiryKind,
  expiryKindNames,
  expiryKinds,
  type ExpiryLevel,
  expiryLevels,
} from '@tsunagu/protocols/fleet';

const dayMs = 86_400_000;

/** Something that a terminal hangs on, and when it ends. */
export interface Ending {
  readonly kind: ExpiryKind;
  /** Which one. */
  readonly name: string;
  /** null: never. */
  readonly endsAt: number | null;
}

/** What is reckoned with besides the contacts themselves. */
export const horizonPolicy = {
  /** Of a terminal with too few contacts to know better. */
  assumedSilenceMs: 35 * dayMs,
  /** From its contact to the end of whatever the contact has to bring: a line may break, and be tried again for a day. */
  renewalMs: dayMs,
} as const;

/** One thing that a terminal hangs on. */
export interface Reason extends Ending {
  readonly until: number | null;
  readonly level: ExpiryLevel;
}

/** How long a terminal can be saved from afar. */
export interface Horizon {
  /** The last moment at which a repair still meets a contact that comes before the end. */
  readonly until: number;
  /** The first that ends. */
  readonly first: Ending & { readonly endsAt: number };
  readonly level: ExpiryLevel;
  /** What ends first at the head. */
  readonly reasons: readonly Reason[];
}

/** The last whole day before a moment, as `YYYY-MM-DD` in UTC. */
export const lastDayBefore = (until: number): string =>
  new Date(Math.floor(until / dayMs) * dayMs - 1).toISOString().slice(0, 10);

/**
 * The horizon of a terminal that may be silent for `silenceMs`: whatever the phase of its contacts, a repair at `until` is met by one that comes
 * `renewalMs` before the end, and a later one may be too late. What loses no terminal when it ends gives an alarm, and does not move the horizon.
 * Of several with one name (keys that each may sign a list) the first that ends stands for all. undefined when nothing ends.
 */
export function horizonOf(endings: readonly Ending[], silenceMs: number, now: number): Horizon | undefined {
  const reasons = endings
    .map((ending): Reason => {
      // What is only signed anew loses nobody: until that is done nothing comes through, and then it does again.
      const before = expiryKinds[ending.kind].isLoss ? silenceMs + horizonPolicy.renewalMs : 0;
      const until = ending.endsAt === null ? null : ending.endsAt - before;
      return { ...ending, until, level: until === null ? 'fine' : levelOf(ending.kind, until - now) };
    })
    .toSorted(
      (a, b) =>
        (a.endsAt ?? Number.MAX_SAFE_INTEGER) - (b.endsAt ?? Number.MAX_SAFE_INTEGER) ||
        expiryKindNames.indexOf(a.kind) - expiryKindNames.indexOf(b.kind),
    )
    .filter(
      ({ kind, name }, index, all) => all.findIndex((other) => other.kind === kind && other.name === name) === index,
    );
  const first = reasons.find(({ kind, endsAt }) => expiryKinds[kind].isLoss && endsAt !== null) ?? reasons[0];
  if (!first || first.endsAt === null || first.until === null) return undefined;
  const level = reasons.reduce<ExpiryLevel>(
    (worst, reason) => (isWorse(reason.level, worst) ? reason.level : worst),
    'fine',
  );
  const { kind, name, endsAt } = first;
  return { until: first.until, first: { kind, name, endsAt }, level, reasons };
}

/** Whether a level is nearer than another. */
export const isWorse = (level: ExpiryLevel, than: ExpiryLevel): boolean =>
  expiryLevels.indexOf(level) > expiryLevels.indexOf(than);

/** How near the end of such a thing is when `leftMs` are left for its repair. */
export function levelOf(kind: ExpiryKind, leftMs: number): ExpiryLevel {
  const { warnDays, urgentDays } = expiryKinds[kind];
  if (leftMs < 0) return 'passed';
  if (leftMs < urgentDays * dayMs) return 'urgent';
  return leftMs < warnDays * dayMs ? 'near' : 'fine';
}
