import { accessPaths, approval, type ApprovalView } from '@tsunagu/protocols/fleet';
import { type Column, exit, type ExitCode, printTable, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

/** `tsunagu approvals list`: what waits for a second person. */
export async function listApprovals({ client, console, json }: Context, all: boolean): Promise<ExitCode> {
  const answer = await client.askAll(approval, `${accessPaths.approvals}${all ? '' : '?state=requested'}`);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const heads = console.texts.life.approvalColumns;
  const columns: readonly Column<ApprovalView>[] = [
    { head: heads.id, cell: ({ id }) => id },
    { head: heads.kind, cell: ({ kind }) => kind },
    { head: heads.subject, cell: ({ subject }) => subject },
    { head: heads.by, cell: ({ requestedBy }) => requestedBy },
    { head: heads.state, cell: ({ state, decidedBy }) => (decidedBy === null ? state : `${state} (${decidedBy})`) },
  ];
  if (json) console.out(JSON.stringify(answer.value));
  else printTable(console, columns, answer.value);
  return exit.ok;
}

/** `tsunagu approvals approve ID` and `refuse ID`: the decision of a second person. */
export async function decideApproval(
  { client, console, json }: Context,
  id: string,
  verdict: 'approved' | 'refused',
  reason: string | undefined,
): Promise<ExitCode> {
  const answer = await client.ask(approval, accessPaths.decisions(id), {
    verdict,
    ...(reason !== undefined && { reason }),
  });
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else console.out(console.texts.life.decided(answer.value.kind, answer.value.subject, answer.value.state));
  return exit.ok;
}
