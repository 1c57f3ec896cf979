import { z } from 'zod';
import { serialSchema } from './identity.ts';
import { timelineKinds } from './management.ts';

const time = z.iso.datetime().describe('RFC 3339, UTC.');
const fields = {
  name: z.string().min(1).max(40).describe('What it is called.'),
  url: z
    .url()
    .max(500)
    .describe('Where messages are posted: HTTPS, at a public address unless the server was told otherwise.'),
  events: z
    .array(z.enum(timelineKinds))
    .min(1)
    .max(40)
    .nullable()
    .describe('Which kinds of the timeline; null for all. A message is of the type `terminal.KIND`.'),
};
const state = z.enum(['active', 'paused']).describe('Whether messages are sent.');

export const webhook = z
  .object({
    id: z.string().describe('Id of the webhook.'),
    ...fields,
    state,
    pausedFor: z.string().nullable().describe('Code of the error table, when the server paused it.'),
    cursor: z.number().int().describe('The newest entry of the timeline that was taken up for it.'),
    createdAt: time,
    failingSince: time.nullable().describe('Since when no message got through.'),
    nextAttemptAt: time
      .nullable()
      .describe(
        'When the receiver, which is down, is tried next: by one message, and when it takes that by all. Null while it is not down.',
      ),
    version: z.number().int().describe('Counts changes: the ETag.'),
  })
  .describe(
    'Where messages go. Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp`, `webhook-signature` (HMAC-SHA-256). At least once; in order for each terminal; for three days; then dead until replayed. A receiver that is down has one back-off for all, ten minutes at most.',
  );
export type WebhookView = z.infer<typeof webhook>;
export const createWebhook = z.strictObject({ ...fields, events: fields.events.optional() }).describe('A new webhook.');
export const changeWebhook = z
  .strictObject({ ...fields, state })
  .partial()
  .describe('What changes of a webhook.');
export const webhookSecret = z
  .object({ secret: z.string().describe('`whsec_` and 32 bytes in base64, shown this once.') })
  .describe('A secret that signs. After a rotation the one before signs beside it for a day.');
export const createdWebhook = webhook.extend(webhookSecret.shape).describe('A webhook that was just made.');
export const replayedWebhook = webhook
  .extend({ again: z.number().int().nonnegative().describe('Messages that are sent again.') })
  .describe('A webhook that is sent messages again.');
export const replayWebhook = z
  .union([
    z.strictObject({ from: time }),
    z.strictObject({ fromEvent: z.number().int().min(1).describe('Id of an entry of the timeline.') }),
    z.strictObject({ dead: z.literal(true).describe('What is dead, and nothing else.') }),
  ])
  .describe('What to send again. Messages keep their ids.');
export const deliveryState = z.enum(['pending', 'delivered', 'dead']).describe('Where it stands.');
export const webhookDelivery = z
  .object({
    id: z.number().int().describe('Rises.'),
    message: z.string().describe('The `webhook-id`.'),
    serial: serialSchema,
    kind: z.string().describe('Kind of the timeline.'),
    state: deliveryState,
    attempt: z.number().int().describe('Attempts so far.'),
    nextAt: time.nullable().describe('When it is tried next.'),
    createdAt: time,
    endedAt: time.nullable(),
    status: z.number().int().nullable().describe('HTTP status of the last answer.'),
    fault: z.string().nullable().describe('Why the last attempt failed: a code of the error table.'),
  })
  .describe('One message to one webhook.');
