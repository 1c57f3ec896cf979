import {
  approvalKinds,
  importedMoves,
  importMoves,
  lifecycleView,
  lifePaths,
  moveLifecycle,
  serialSchema,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import type { Changes } from '../../audit/index.ts';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { readMoves } from '../lifecycle-csv.ts';
import type { ApiRooms } from '../ports.ts';
import { refused } from '../problems.ts';

const bySerial = z.object({ serial: serialSchema });

/** Where terminals are in their lives, and the evidence of each step. */
export function lifecycleRoutes(
  app: ApiApp,
  { lifecycle }: Pick<ApiRooms, 'lifecycle'>,
  changes: Pick<Changes, 'about'>,
): void {
  const tags = ['lifecycle'];
  app.get(
    '/api/v1/terminals/:serial/lifecycle',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Where a terminal is in its life, what it may do there, where it can go, and how it came there',
        tags,
        params: bySerial,
        response: { 200: lifecycleView, '4xx': refused },
      },
    },
    async (request) => unwrap(await lifecycle.view(request.params.serial)),
  );

  app.post(
    '/api/v1/terminals/:serial/lifecycle',
    {
      config: { role: 'operator', further: [approvalKinds.lifecycle.order], isIdempotent: true },
      schema: {
        summary: 'Move a terminal along an edge of its life with the evidence that the edge asks for',
        tags,
        params: bySerial,
        body: moveLifecycle,
        response: { 200: lifecycleView, '4xx': refused },
      },
    },
    async (request) => unwrap(await lifecycle.move(request.params.serial, request.body, actorOf(request))),
  );

  app.post(
    lifePaths.lifecycleImports,
    {
      bodyLimit: 2 * 1_048_576,
      config: { permission: 'fleet.operate', further: [approvalKinds.lifecycle.order], isIdempotent: true },
      schema: {
        summary: 'Move the terminals of a CSV file, each with its evidence',
        tags,
        body: importMoves,
        response: { 200: importedMoves, '4xx': refused },
      },
    },
    async (request) => {
      const { csv, dryRun } = request.body;
      const items: z.infer<typeof importedMoves>['items'] = [];
      for (const { line, serial, move } of unwrap(readMoves(csv))) {
        if (move.ok) changes.about(`terminal/${move.value.serial}`);
        const done = move.ok
          ? await lifecycle.move(move.value.serial, { ...move.value.move, dryRun }, actorOf(request))
          : move;
        const fault = done.ok ? undefined : done.fault;
        items.push({
          line,
          serial,
          ok: done.ok,
          code: fault?.code ?? null,
          field: fault?.field === undefined ? null : String(fault.field),
          clause: typeof fault?.facts?.['clause'] === 'string' ? fault.facts['clause'] : null,
          pending: done.ok && !dryRun ? (done.value.pending?.approval ?? null) : null,
        });
      }
      const succeeded = items.filter((item) => item.ok).length;
      return { dryRun, total: items.length, succeeded, failed: items.length - succeeded, items };
    },
  );
}
