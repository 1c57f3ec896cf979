import { type LiveEventName, liveEvents, serialSchema } from '@tsunagu/protocols/fleet';
import { FaultError } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import type { Caller } from '../access/index.ts';
import type { ApiApp } from '../app.ts';
import { refused } from '../problems.ts';
import type { LiveStreams } from '../live-stream.ts';

const isName = (text: string): text is LiveEventName => Object.hasOwn(liveEvents, text);

/** `?topics=terminal,sale`; names that do not exist are refused, so that a slip of the pen is no silence. */
const topicsQuery = z.object({
  topics: z
    .string()
    .max(200)
    .transform((text) => text.split(','))
    .pipe(z.array(z.string().refine(isName)).max(20))
    .optional(),
  serial: z
    .string()
    .max(2_000)
    .transform((text) => text.split(','))
    .pipe(z.array(serialSchema).max(50))
    .optional()
    .describe('Only what happens to these terminals, by comma.'),
});

/** What comes on the stream: `event:` is the name, `data:` the JSON, `id:` a number that rises. */
const eventStream = {
  description: 'Events without end. A `beat` ({"at"}, without an id) comes every five seconds.',
  content: { 'text/event-stream': { schema: z.union(Object.entries(liveEvents).map(liveEvent)) } },
};
function liveEvent([event, data]: readonly [string, z.ZodType]) {
  return z.object({ event: z.literal(event), id: z.string(), data });
}

/** The live stream. */
export function liveRoutes(
  app: ApiApp,
  { streams, isGood }: { streams: LiveStreams; isGood: (caller: Caller) => boolean },
): void {
  app.get(
    '/api/v1/events',
    {
      config: {
        role: 'viewer',
        header: { name: 'Last-Event-ID', says: 'The last event that a reconnecting client has.' },
      },
      schema: {
        summary:
          'Server-sent events; Last-Event-ID resumes, also after a restart of the server; "resync" says that something was missed',
        tags: ['live'],
        querystring: topicsQuery,
        response: { 200: eventStream, '4xx': refused, '5xx': refused },
      },
    },
    (request, reply) => {
      if (!streams.hasRoom) throw new FaultError({ code: 'STREAMS_EXHAUSTED' });
      const { caller } = request;
      const names = request.query.topics?.filter(isName);
      const lastEventId = request.headers['last-event-id'];
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value);
      reply.hijack();
      streams.open(reply.raw, {
        serials: request.query.serial && new Set<string>(request.query.serial),
        topics: names && new Set<LiveEventName>([...names, 'resync']),
        lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
        isAllowed: () => caller !== undefined && isGood(caller),
      });
    },
  );
}
