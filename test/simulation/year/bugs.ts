import { sql } from 'kysely';
import type { HouseBugs } from './house.ts';
import type { YearInvariantName } from './invariants.ts';

/** A bug that is put in by wrapping a port or a room. */
export interface PlantedYearBug {
  readonly is: string;
  readonly bugs: HouseBugs;
  /** How often the power fails, where the bug shows under that. */
  readonly cutEvery?: number;
}

/** For every invariant, bugs that it has to notice. */
export const plantedYearBugs = {
  noTerminalIsInTwoPlaces: [
    {
      is: 'a transaction is none: what the power cut into stays half done',
      cutEvery: 75,
      bugs: {
        connection: (inner) => ({
          ...inner,
          run: (text, parameters) =>
            /^(begin|commit|rollback)/i.test(text)
              ? Promise.resolve({ changes: 0, lastId: 0 })
              : inner.run(text, parameters),
          all: (text, parameters) =>
            /^(begin|commit|rollback)/i.test(text) ? Promise.resolve([]) : inner.all(text, parameters),
        }),
      },
    },
    {
      is: 'seals and cables are not held against those that were put on',
      bugs: {
        lifecycle: (lifecycle) => ({
          ...lifecycle,
          async move(serial, move, by) {
            if (move.to !== 'deployed') return lifecycle.move(serial, move, by);
            const view = await lifecycle.view(serial);
            if (!view.ok) return view;
            const { seals, connections } = view.value.standing;
            const known = { ...(seals && { seals }), ...(connections !== null && { connections }) };
            return lifecycle.move(serial, { ...move, evidence: { ...move.evidence, ...known } }, by);
          },
        }),
      },
    },
  ],
  noLiveKeyIsInAScrappedUnit: [
    { is: 'the ledger is not told that a unit was destroyed', bugs: { keysDestroyed: 'forgotten' } },
  ],
  noScrappedUnitSpeaks: [{ is: 'two persons are believed before the wire', bugs: { heardOf: 'deaf' } }],
  noEdgeIsTakenWithoutEvidence: [
    {
      is: 'a refused redeployment is written all the same',
      bugs: {
        lifecycle: (lifecycle, store) => ({
          ...lifecycle,
          async move(serial, move, by) {
            const moved = await lifecycle.move(serial, move, by);
            const before = moved.ok ? undefined : await lifecycle.view(serial);
            if (moved.ok || !before?.ok || move.to !== 'redeploy') return moved;
            await store.write(async (tx) => {
              await tx.updateTable('terminals').set({ lifecycle: move.to }).where('serial', '=', serial).execute();
              await tx
                .insertInto('lifecycle_moves')
                .values({
                  serial,
                  at: Date.parse(before.value.since),
                  from_state: before.value.state,
                  to_state: move.to,
                  by: by.subject,
                  reason: move.reason,
                  evidence: JSON.stringify(move.evidence ?? {}),
                })
                .execute();
            });
            return moved;
          },
        }),
      },
    },
  ],
  noKeyIsKnownToOnePerson: [
    {
      is: 'two tokens of one person are two persons',
      bugs: {
        approvals: (approvals) => ({
          ...approvals,
          decide: (id, { person: _person, ...by }, verdict, reason) => approvals.decide(id, by, verdict, reason),
        }),
      },
    },
    {
      is: 'whoever comes is taken for the custodian whose turn it is',
      bugs: {
        ceremonies: (ceremonies) => ({
          ...ceremonies,
          async enter(id, component, by) {
            const now = await ceremonies.get(id);
            const turn = now.ok ? now.value.custodians[now.value.entered.length] : undefined;
            return await ceremonies.enter(id, component, turn === undefined ? by : { ...by, person: turn, id: turn });
          },
        }),
      },
    },
    {
      is: 'a key is written to the timeline',
      bugs: {
        note: (note) => (tx, serial, kind, facts) =>
          note(tx, serial, kind, { ...facts, key: '4b4559f5a15e4b21'.padEnd(64, '0') }),
      },
    },
  ],
  everyChainVerifies: [
    {
      is: 'a hand-over is changed after it was signed',
      bugs: {
        custody: (custody, store) => ({
          ...custody,
          async deliver(signed, by) {
            const taken = await custody.deliver(signed, by);
            await sql`update custody_handovers set document = replace(document, 'BAG-00000', 'BAG-90000')`.execute(
              store.db,
            );
            return taken;
          },
        }),
      },
    },
  ],
  noSaleIsLeftBehind: [
    {
      is: 'a diagnosis is read as if nothing waited',
      bugs: {
        jobs: (jobs) => ({
          ...jobs,
          report: (serial, id, report) =>
            jobs.report(serial, id, {
              ...report,
              ...(report.diagnostics && {
                diagnostics: { ...report.diagnostics, queues: { reversals: 0, advices: 0, sales: 0, jobs: 0 } },
              }),
            }),
        }),
      },
    },
  ],
  everyLifeGoesOn: [
    {
      is: 'a report is acknowledged and not written',
      bugs: { jobs: (jobs) => ({ ...jobs, report: () => Promise.resolve({ ok: true, value: undefined }) }) },
    },
  ],
} as const satisfies Record<YearInvariantName, readonly PlantedYearBug[]>;
