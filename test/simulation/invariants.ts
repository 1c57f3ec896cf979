import type { Run } from './simulate.ts';

/** What must hold of every run. @returns what is wrong, one line each; nothing when it holds. */
export type Invariant = (run: Run) => readonly string[];

const final = new Set(['succeeded', 'failed', 'timed-out', 'cancelled']);
/** The longest that the till may be unable to sell because of management, milliseconds: a restart, and the sale in hand before it. */
export const unableMsMax = 25_000;
/** Files of a terminal that hold no business: what a wiped one may still have. */
const mayStayOnWiped =
  /^(claim\.json|device\.key|(boot|stan|contact|rollback-counter|jobs|tamper|software|identity)\.sealed(\.new)?|software-.*)$/;

const saleOf = (run: Run, id: string): number | undefined => {
  const body = run.ordered.get(id);
  return body && 'amountMinor' in body.params ? body.params.amountMinor : undefined;
};
const madeOf = (run: Run, serial: string, amount: number): number =>
  run.terminals.find((terminal) => terminal.serial === serial)?.sales.get(amount) ?? 0;

/** A payment that was ordered once is made at most once, whatever was cut, doubled, late or ordered again. */
export const commandsTakeEffectOnce: Invariant = (run) =>
  run.jobs.flatMap(({ id, serial, type }) => {
    const amount = saleOf(run, id);
    const made = amount === undefined ? 0 : madeOf(run, serial, amount);
    return made > 1 ? [`${type} ${id} was made ${made} times`] : [];
  });

/** Every job that was ordered is in the store, and over. */
export const noJobIsLost: Invariant = (run) => [
  ...[...run.ordered.keys()].filter((id) => !run.jobs.some((job) => job.id === id)).map((id) => `job ${id} is gone`),
  // An order for a terminal that was wiped before waits for its next enrolment.
  ...run.jobs
    .filter(
      ({ serial, state }) => !final.has(state) && !run.terminals.some((one) => one.serial === serial && one.isWiped),
    )
    .map(({ id, type, state }) => `${type} ${id} is still ${state}`),
];

/** What succeeded has had its effect, and what was cancelled or refused has not. */
export const effectIffSucceeded: Invariant = (run) =>
  run.jobs.flatMap((job) => {
    const { id, serial, type, state, fault } = job;
    const terminal = run.terminals.find((one) => one.serial === serial);
    const amount = saleOf(run, id);
    const wrong = (what: string): string[] => [`${type} ${id} is ${state} ${fault ?? ''}: ${what}`];
    if (amount !== undefined) {
      const made = madeOf(run, serial, amount);
      if (state === 'succeeded' && job.sale?.outcome === 'approved' && made !== 1) return wrong(`made ${made} times`);
      // A power cut, or a medium that took no result, may have come between the sale and its report.
      const isUnsure = state === 'timed-out' || fault === 'JOB_INTERRUPTED';
      if (state !== 'succeeded' && !isUnsure && made !== 0) return wrong(`made ${made} times`);
      return [];
    }
    if (state !== 'succeeded' || !terminal) return [];
    const body = run.ordered.get(id);
    if (body?.type === 'software.install' && !terminal.ran.includes(body.params.version))
      return wrong(`${body.params.version} never ran`);
    if (type === 'terminal.reboot' && !(job.result?.boot !== undefined && job.result.boot > 1)) return wrong('no boot');
    if (type === 'log.pull' && run.logs.get(id) !== true) return wrong('the log is not whole');
    return [];
  });

/** What the server has on record is what the terminal has: a report that was lost, doubled or late changes neither. */
export const reportsTellTheEffect: Invariant = (run) =>
  run.terminals.flatMap(({ serial, isWiped }) =>
    (run.ledgers.get(serial) ?? []).flatMap((entry) => {
      const job = run.jobs.find(({ id }) => id === entry.job);
      if (!job || isWiped) return [];
      if (entry.state !== 'acknowledged') return [`${job.type} ${job.id} is ${entry.state} on the terminal at the end`];
      if (job.attempt !== entry.attempt || job.state === entry.report.state) return [];
      // A success without its result counts as a failure, and a failure that may pass as a further attempt.
      if (job.fault === 'JOB_RESULT_MISSING' || job.state === 'queued') return [];
      // … which may be taken back while it is waited for.
      if (job.state === 'cancelled' && entry.report.state === 'failed') return [];
      return [`${job.type} ${job.id}: the terminal says ${entry.report.state}, the server ${job.state}`];
    }),
  );

/** Whatever was cut while a certificate took the place of another, the terminal has one that counts; and an attempt makes one at most. */
export const identityIsKept: Invariant = (run) =>
  run.terminals.flatMap(({ serial, isWiped }) => {
    const { refused, renewed = 0 } = run.identities.get(serial) ?? {};
    const attempts = run.jobs
      .filter((job) => job.serial === serial && job.type === 'certificate.renew')
      .reduce((sum, { attempt }) => sum + attempt, 0);
    return [
      ...(refused !== undefined && !isWiped ? [`${serial} is not let in any more: ${refused}`] : []),
      ...(renewed > attempts ? [`${serial} was given ${renewed} certificates in ${attempts} attempts`] : []),
    ];
  });

/** What a terminal finds on its medium is whole, whenever its power was cut. */
export const noStateIsTorn: Invariant = (run) =>
  run.terminals.flatMap(({ serial, torn }) => torn.map((what) => `${serial}: ${what}`));

/** No two requests to the switch have one KSN: X9.24-3:2017, 6.4. */
export const noKeyIsUsedTwice: Invariant = (run) => {
  const seen = new Set<string>();
  return run.terminals.flatMap(({ serial, lines }) =>
    lines.ksns.flatMap((ksn) => {
      if (seen.has(ksn)) return [`${serial} used ${ksn} twice`];
      seen.add(ksn);
      return [];
    }),
  );
};

/** The till sells whatever management does; only a dead terminal, line or medium may stop it. */
export const tillAlwaysSells: Invariant = (run) =>
  run.terminals
    .filter(({ unableMs }) => unableMs > unableMsMax)
    .map(({ serial, unableMs }) => `${serial} could not sell for ${unableMs} ms`);

/** Nothing grows without a bound: questions, open jobs, ledgers, files of jobs. */
export const queuesAreBounded: Invariant = (run) => [
  ...(run.openHighest > 40 ? [`${run.openHighest} open jobs`] : []),
  ...run.terminals.flatMap(({ serial, medium, pendingHighest }) => {
    const logs = [...medium.view().keys()].filter((name) => name.startsWith('log-')).length;
    const known = run.ledgers.get(serial)?.length ?? 0;
    return [
      ...(pendingHighest > 32 ? [`${serial} had ${pendingHighest} questions open`] : []),
      ...(known > 81 ? [`${serial} knows ${known} jobs`] : []),
      ...(logs > 1 ? [`${serial} keeps ${logs} logs of jobs that are over`] : []),
    ];
  }),
];

/** A wiped terminal holds nothing of the business that it was in. */
export const wipedIsEmpty: Invariant = (run) =>
  run.jobs
    .filter(({ type, state }) => type === 'terminal.wipe' && state === 'succeeded')
    .flatMap(({ serial }) => {
      const terminal = run.terminals.find((one) => one.serial === serial);
      const left = terminal ? [...terminal.medium.view().keys()].filter((name) => !mayStayOnWiped.test(name)) : [];
      return left.map((name) => `${serial} was wiped and still has ${name}`);
    });

/** Nothing is thrown that nobody takes. */
export const nothingIsThrown: Invariant = (run) => run.thrown;

/** All of them, by name. */
export const invariants = {
  commandsTakeEffectOnce,
  noJobIsLost,
  effectIffSucceeded,
  reportsTellTheEffect,
  identityIsKept,
  noStateIsTorn,
  noKeyIsUsedTwice,
  tillAlwaysSells,
  queuesAreBounded,
  wipedIsEmpty,
  nothingIsThrown,
} as const satisfies Record<string, Invariant>;
export type InvariantName = keyof typeof invariants;

/** What is broken in a run, by the name of the invariant. */
export const broken = (run: Run): readonly { readonly name: InvariantName; readonly what: string }[] =>
  (Object.keys(invariants) as InvariantName[]).flatMap((name) => invariants[name](run).map((what) => ({ name, what })));
