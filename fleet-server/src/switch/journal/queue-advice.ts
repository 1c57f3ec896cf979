import { reversalOf } from '@tsunagu/protocols/acquiring';
import { type Message, textOf } from '@tsunagu/protocols/iso8583';
import type { World } from '@tsunagu/protocols/world';
import type { Commit } from './commit.ts';
import type { Images } from './images.ts';
import type { Calendar } from './counting.ts';
import type { ReversalRow } from './tables.ts';
import type { SaleRow } from './written.ts';

/** What an advice is made with. */
export interface QueueRooms {
  readonly world: Pick<World, 'clock' | 'id'>;
  readonly images: Images;
  readonly calendar: Calendar;
}

/** Queues the reversal of a sale for its issuer. */
export async function queueReversal(
  rooms: QueueRooms,
  commit: Commit,
  row: SaleRow,
  reason: string,
  outStan: string,
  origin: 'switch' | 'terminal',
): Promise<ReversalRow> {
  const { world, images, calendar } = rooms;
  const now = world.clock.now();
  const { mti, fields } = reversalOf(images.sale(row), {
    stan: outStan,
    nowMs: now,
    reason,
  });
  const day = calendar.issuer(row.link);
  const advice: Message = { mti, fields: { ...fields, ...(day !== undefined && { 28: day }) } };
  return await queueAdvice(rooms, commit, row, advice, 'reversal', origin, reason);
}

/** Queues an advice for the issuer of a sale: a lane takes it from there once the commit is done. */
export async function queueAdvice(
  { world, images }: QueueRooms,
  commit: Commit,
  row: SaleRow,
  advice: Message,
  kind: 'reversal' | 'posting',
  origin: 'switch' | 'terminal',
  reason: string,
): Promise<ReversalRow> {
  const now = world.clock.now();
  const id = world.id();
  const tx = await commit.direct();
  const queued = await tx
    .insertInto('switch_reversals')
    .values({
      id,
      sale_id: row.id,
      advice: kind,
      origin,
      serial: null,
      stan: null,
      local_time: null,
      body_tag: null,
      original_stan: null,
      original_local_time: null,
      reason,
      link: row.link,
      image: images.ofAdvice(id, advice),
      state: 'queued',
      attempts: 0,
      next_at: now,
      answer: null,
      created_at: now,
      delivered_at: null,
      out_stan: textOf(advice, 11) ?? null,
      out_time: textOf(advice, 12) ?? null,
      last_action_code: null,
      settled_by: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return { ...queued, follows: row.original_id };
}
