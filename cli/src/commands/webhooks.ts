import type { createWebhook, replayWebhook, webhookDelivery, WebhookView } from '@tsunagu/protocols/fleet';
import type { z } from 'zod';
import { exit, type ExitCode, printTable, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

/** `tsunagu webhooks`: where messages go. */
export async function listWebhooks({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.webhooks();
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else {
    const { columns, states, all } = console.texts.webhooks;
    printTable(
      console,
      [
        { head: columns.id, cell: (each: WebhookView) => each.id },
        { head: columns.name, cell: (each) => each.name },
        { head: columns.url, cell: (each) => each.url },
        { head: columns.events, cell: (each) => each.events?.join(' ') ?? all },
        { head: columns.state, cell: (each) => [states[each.state], each.pausedFor ?? ''].join(' ').trim() },
        { head: columns.failing, cell: (each) => each.failingSince ?? '' },
        { head: columns.nextAttempt, cell: (each) => each.nextAttemptAt ?? '' },
      ],
      answer.value,
    );
  }
  return exit.ok;
}

/** `tsunagu webhooks add NAME URL`: adds one and prints its secret, this once. */
export async function addWebhook(
  { client, console, json }: Context,
  wanted: z.infer<typeof createWebhook>,
): Promise<ExitCode> {
  const made = await client.addWebhook(wanted);
  if (!made.ok) return refuse(console, made.fault, json);
  if (json) console.out(JSON.stringify(made.value));
  else {
    console.out(`${made.value.id}\n${made.value.secret}`);
    console.err(console.texts.webhooks.shownOnce);
  }
  return exit.ok;
}

/** `tsunagu webhooks deliveries ID`: the newest messages, or those of one state. */
export async function listDeliveries(
  { client, console, json }: Context,
  id: string,
  state: string | undefined,
): Promise<ExitCode> {
  const answer = await client.deliveries(id, state);
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value));
  else {
    const { columns, deliveryStates } = console.texts.webhooks;
    printTable(
      console,
      [
        { head: columns.message, cell: (each: z.infer<typeof webhookDelivery>) => each.message },
        { head: columns.serial, cell: (each) => each.serial },
        { head: columns.kind, cell: (each) => each.kind },
        { head: columns.state, cell: (each) => deliveryStates[each.state] },
        { head: columns.attempts, cell: (each) => String(each.attempt), right: true },
        { head: columns.next, cell: (each) => each.nextAt ?? each.endedAt ?? '' },
        { head: columns.fault, cell: (each) => [each.status ?? '', each.fault ?? ''].join(' ').trim() },
      ],
      answer.value,
    );
  }
  return exit.ok;
}

/** `tsunagu webhooks replay ID`: sends again, from a time or an event on, or what is dead. */
export async function replay(
  { client, console, json }: Context,
  id: string,
  what: z.infer<typeof replayWebhook>,
): Promise<ExitCode> {
  const answer = await client.replayWebhook(id, what);
  if (!answer.ok) return refuse(console, answer.fault, json);
  console.out(
    json ? JSON.stringify(answer.value) : console.texts.webhooks.replaying(answer.value.name, answer.value.again),
  );
  return exit.ok;
}

/** `tsunagu webhooks try ID`: the receiver, and what waits for it, is tried at once. */
export async function tryNow({ client, console, json }: Context, id: string): Promise<ExitCode> {
  const answer = await client.tryWebhook(id);
  if (!answer.ok) return refuse(console, answer.fault, json);
  console.out(json ? JSON.stringify(answer.value) : console.texts.webhooks.trying(answer.value.name));
  return exit.ok;
}

/** `tsunagu webhooks rotate ID`: a new secret, printed this once; the one before signs beside it for a day. */
export async function rotateSecret({ client, console, json }: Context, id: string): Promise<ExitCode> {
  const made = await client.rotateWebhook(id);
  if (!made.ok) return refuse(console, made.fault, json);
  if (json) console.out(JSON.stringify(made.value));
  else {
    console.out(made.value.secret);
    console.err(console.texts.webhooks.rotated);
  }
  return exit.ok;
}

/** `tsunagu webhooks pause|resume ID`: messages wait, or are sent again. */
export async function setState(
  { client, console, json }: Context,
  id: string,
  state: WebhookView['state'],
): Promise<ExitCode> {
  const changed = await client.changeWebhook(id, state);
  if (!changed.ok) return refuse(console, changed.fault, json);
  const { states } = console.texts.webhooks;
  console.out(json ? JSON.stringify(changed.value) : `${changed.value.name}: ${states[changed.value.state]}`);
  return exit.ok;
}

/** `tsunagu webhooks remove ID`: it is gone, and what waited for it. */
export async function removeWebhook({ client, console, json }: Context, id: string): Promise<ExitCode> {
  const removed = await client.removeWebhook(id);
  if (!removed.ok) return refuse(console, removed.fault, json);
  console.out(json ? JSON.stringify({}) : console.texts.webhooks.removed(id));
  return exit.ok;
}
