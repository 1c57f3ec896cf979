import {
  approvalKinds,
  bulkActsMax,
  bulkAnswer,
  bulkRequest,
  bulkTargetsMax,
  importedTerminals,
  importTerminals,
  type Permission,
  type registerTerminal,
  type Serial,
} from '@tsunagu/protocols/fleet';
import { fail, type Fault, FaultError, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { z } from 'zod';
import type { Changes } from '../../audit/index.ts';
import { type Caller, isPlaceWithin } from '../access/index.ts';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import type { ApiRooms } from '../ports.ts';
import { refused } from '../problems.ts';
import { readTerminals } from '../terminal-csv.ts';

type Bulk = z.infer<typeof bulkRequest>;
type Item = z.infer<typeof bulkAnswer>['items'][number];

const bodyBytesMax = 2 * 1_048_576;

/** What an action asks of whoever orders it. */
const needs: Readonly<Record<Bulk['action']['type'], Permission>> = {
  status: 'fleet.read',
  place: 'fleet.operate',
  tags: 'fleet.operate',
  revoke: 'fleet.operate',
  job: 'fleet.field',
};

/** One thing for many terminals, and many terminals out of a file. */
export function bulkRoutes(
  app: ApiApp,
  { selection, revocations, jobs, estate }: Pick<ApiRooms, 'selection' | 'revocations' | 'jobs' | 'estate'>,
  changes: Pick<Changes, 'about'>,
): void {
  const tags = ['bulk'];

  async function targetsOf({ targets, action }: Bulk, { places }: Caller): Promise<readonly Serial[]> {
    const max = action.type === 'job' || action.type === 'revoke' ? bulkActsMax : bulkTargetsMax;
    if ('query' in targets) return unwrap(await selection.find({ ...targets.query, places }, max));
    const serials = [...new Set(targets.serials)];
    if (serials.length > max) throw new FaultError({ code: 'BULK_TOO_MANY', facts: { max } });
    return serials;
  }

  /** Does it for one terminal that is there. */
  async function act(serial: Serial, action: Bulk['action'], by: Caller): Promise<Result<Partial<Item>>> {
    // Each terminal's own transaction has its own entry of the audit log.
    changes.about(`terminal/${serial}`);
    if (action.type !== 'job') return ok({});
    const started = await jobs.start(serial, action.job, by);
    return started.ok ? ok({ job: started.value.id }) : started;
  }

  /** Revokes, or asks the second person who has to approve it first: the request, empty in a dry run, undefined where there is none. */
  async function revoke(serials: readonly Serial[], by: Caller, dryRun: boolean): Promise<string | undefined> {
    if (dryRun) return (await revocations.needsSecond(serials)) ? '' : undefined;
    changes.about('terminals');
    return unwrap(await revocations.order(serials, by));
  }

  app.post(
    '/api/v1/bulk',
    {
      bodyLimit: bodyBytesMax,
      config: {
        permission: 'fleet.read',
        further: [...new Set(Object.values(needs)), approvalKinds.revocation.order],
        isPlaced: true,
      },
      schema: {
        summary: 'One thing for many terminals: 10,000 to read, place or label, 1,000 to act on',
        tags,
        body: bulkRequest,
        response: { 200: bulkAnswer, '4xx': refused },
      },
    },
    async (request) => {
      const by = actorOf(request);
      const { action, dryRun } = request.body;
      const permission = needs[action.type];
      if (!by.permissions.has(permission))
        throw new FaultError({ code: 'ROLE_INSUFFICIENT', facts: { needs: permission } });
      const serials = await targetsOf(request.body, by);
      const known = await selection.summaries(serials);
      const faultOf = (serial: Serial): Fault['code'] | undefined => {
        const terminal = known.get(serial);
        if (!terminal) return 'TERMINAL_UNKNOWN';
        return by.places && !isPlaceWithin(by.places, terminal.place) ? 'PLACE_OUTSIDE' : undefined;
      };
      const approval =
        action.type === 'revoke'
          ? await revoke(
              serials.filter((one) => !faultOf(one)),
              by,
              dryRun,
            )
          : undefined;
      const items: Item[] = [];
      for (const serial of serials) {
        const terminal = known.get(serial);
        const fault = faultOf(serial);
        const done = fault || dryRun || approval !== undefined ? ok({}) : await act(serial, action, by);
        const code = fault ?? (done.ok ? null : done.fault.code);
        items.push({
          serial,
          ok: code === null,
          code,
          ...(done.ok && done.value),
          ...(action.type === 'status' && terminal && code === null && { terminal }),
        });
      }
      const good = items.filter((item) => item.ok).map(({ serial }) => serial);
      if (!dryRun && action.type === 'place') {
        changes.about('terminals');
        await selection.place(good, action.place);
      }
      if (!dryRun && action.type === 'tags') {
        changes.about('terminals');
        await selection.tag(good, action.add, action.remove);
      }
      return { ...totalsOf(items), dryRun, ...(approval !== undefined && { approval }), items };
    },
  );

  app.post(
    '/api/v1/terminals/imports',
    {
      bodyLimit: bodyBytesMax,
      config: { permission: 'fleet.operate' },
      schema: {
        summary: 'Put the terminals of a CSV file on the inventory; each claim is in the answer, once',
        tags,
        body: importTerminals,
        response: { 200: importedTerminals, '4xx': refused },
      },
    },
    async (request) => {
      const { csv, dryRun } = request.body;
      const lines = unwrap(readTerminals(csv));
      const wanted = lines.flatMap(({ terminal }) => (terminal.ok ? [terminal.value.serial] : []));
      const there = await selection.summaries(wanted);
      const seen = new Set<string>();
      const items: z.infer<typeof importedTerminals>['items'] = [];
      for (const { line, serial, terminal } of lines) {
        const done = await register(terminal);
        const fault = done.ok ? undefined : done.fault;
        items.push({
          line,
          serial,
          ok: done.ok,
          code: fault?.code ?? null,
          field: fault?.field === undefined ? null : String(fault.field),
          ...(done.ok && done.value && { claim: done.value }),
        });
      }
      return { ...totalsOf(items), dryRun, items };

      async function register(read: Result<z.infer<typeof registerTerminal>>) {
        if (!read.ok) return read;
        const { serial } = read.value;
        if (seen.has(serial) || there.has(serial)) return fail('TERMINAL_EXISTS', { field: 'serial' });
        seen.add(serial);
        if (dryRun) return ok(undefined);
        changes.about(`terminal/${serial}`);
        return await estate.register(read.value, actorOf(request));
      }
    },
  );
}

const totalsOf = (items: readonly { readonly ok: boolean }[]) => {
  const succeeded = items.filter((item) => item.ok).length;
  return { total: items.length, succeeded, failed: items.length - succeeded };
};
