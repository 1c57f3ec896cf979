import {
  approval,
  approvalDetail,
  approvalKind,
  approvalKinds,
  approvalState,
  type ApprovalView,
  decideApproval,
  page,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { byId } from '../by-id.ts';
import type { Approval, Approvals } from '../../audit/index.ts';
import { isoTime } from '../../store/index.ts';
import type { People } from '../access/people.ts';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { answerPage, listQuery, pageOf } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';
import { refused } from '../problems.ts';

/** What waits for a second person, and their decision. Who may decide what is the approvals' own affair, by kind. */
export function approvalRoutes(
  app: ApiApp,
  approvals: Approvals,
  people: Pick<People, 'find'>,
  { revocations }: Pick<ApiRooms, 'revocations'>,
): void {
  const nameOf = (person: string): string => people.find(person)?.name ?? person;
  const approvalView = (found: Approval): ApprovalView => ({
    ...found,
    requestedByName: nameOf(found.requestedBy),
    decidedByName: found.decidedBy === null ? null : nameOf(found.decidedBy),
    requestedAt: isoTime(found.requestedAt),
    expiresAt: isoTime(found.expiresAt),
    decidedAt: found.decidedAt === null ? null : isoTime(found.decidedAt),
  });
  const tags = ['approvals'];
  app.get(
    '/api/v1/approvals',
    {
      config: { permission: 'fleet.read' },
      schema: {
        summary: 'Requests for approval, newest first',
        tags,
        querystring: listQuery.extend({ kind: approvalKind.optional(), state: approvalState.optional() }),
        response: { 200: page(approval), '4xx': refused },
      },
    },
    async ({ query: { kind, state, ...query } }) => {
      const { items, next } = unwrap(
        await approvals.list({ ...pageOf(query), ...(kind && { kind }), ...(state && { state }) }),
      );
      return answerPage({ items: items.map(approvalView), next });
    },
  );

  app.get(
    '/api/v1/approvals/:id',
    {
      config: { permission: 'fleet.read' },
      schema: {
        summary: 'One request, and which terminals it is about',
        tags,
        params: byId,
        response: { 200: approvalDetail, '4xx': refused },
      },
    },
    async (request) => {
      const found = unwrap(await approvals.get(request.params.id));
      return { ...approvalView(found), terminals: [...(await revocations.proposed(found.id))] };
    },
  );

  app.post(
    '/api/v1/approvals/:id/decisions',
    {
      config: {
        permission: 'fleet.read',
        further: [...new Set(Object.values(approvalKinds).map(({ approve }) => approve))],
        subject: 'approval',
      },
      schema: {
        summary: 'Approve or refuse; never what one asked for oneself',
        tags,
        params: byId,
        body: decideApproval,
        response: { 200: approval, '4xx': refused },
      },
    },
    async (request) => {
      const { verdict, reason } = request.body;
      return approvalView(unwrap(await approvals.decide(request.params.id, actorOf(request), verdict, reason)));
    },
  );
}
