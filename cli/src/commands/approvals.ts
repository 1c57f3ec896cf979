import { accessPaths, approval, approvalDetail, type ApprovalView, evidenceItems } from '@tsunagu/protocols/fleet';
import { type Column, exit, type ExitCode, printTable, refuse } from '../console/index.ts';
import type { Texts } from '../language/index.ts';
import type { Context } from './context.ts';
import { titleOf } from './jobs.ts';
import { wordOf } from './switch.ts';

const columnsOf = ({ texts }: Context['console']): readonly Column<ApprovalView>[] => {
  const { approvalColumns: heads, approvalKinds: kinds, approvalStates: states } = texts.life;
  return [
    { head: heads.id, cell: ({ id }) => id },
    { head: heads.kind, cell: ({ kind }) => kinds[kind] },
    { head: heads.subject, cell: ({ subject }) => subject },
    { head: heads.by, cell: ({ requestedByName }) => requestedByName },
    {
      head: heads.state,
      cell: ({ state, decidedByName }) =>
        decidedByName === null ? states[state] : `${states[state]} (${decidedByName})`,
    },
  ];
};

/** What is asked for, in words where there are some; what somebody wrote, and what is looked up by its id, as it is. */
function factOf(texts: Texts, name: string, value: string): string {
  if (name === 'type') return titleOf(texts, value);
  if (name === 'from' || name === 'to') return wordOf(texts.identity.state, value);
  if (name === 'kind') return wordOf(texts.life.approvalActions, value);
  if (name !== 'evidence') return value;
  const titles: Readonly<Record<string, { readonly title: Readonly<Record<'en' | 'ja', string>> }>> = evidenceItems;
  return value
    .split(', ')
    .map((item) => titles[item]?.title[texts.job.language] ?? item)
    .join(', ');
}

/** `tsunagu approvals list`: what waits for a second person. */
export async function listApprovals({ client, console, json }: Context, all: boolean): Promise<ExitCode> {
  const answer = await client.askAll(approval, `${accessPaths.approvals}${all ? '' : '?state=requested'}`);
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else printTable(console, columnsOf(console), answer.value);
  return exit.ok;
}

/** `tsunagu approvals show ID`: one request, and each terminal that a revocation is about. */
export async function showApproval({ client, console, json }: Context, id: string): Promise<ExitCode> {
  const answer = await client.ask(approvalDetail, accessPaths.approval(id));
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else {
    printTable(console, columnsOf(console), [answer.value]);
    for (const [name, value] of Object.entries(answer.value.facts))
      console.out(`  ${wordOf(console.texts.life.approvalFacts, name)}: ${factOf(console.texts, name, String(value))}`);
    for (const serial of answer.value.terminals) console.out(`  ${serial}`);
  }
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
  else {
    const { kind, subject, state } = answer.value;
    const { decided, approvalKinds: kinds, approvalStates: states } = console.texts.life;
    console.out(decided(kinds[kind], subject, states[state]));
  }
  return exit.ok;
}
