import { once } from 'node:events';
import { lifePaths } from '@tsunagu/protocols/fleet';
import type { ApiApp } from '../app.ts';
import { daysQuery } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';

/** What an assessor is shown. */
export function assessorRoutes(app: ApiApp, { assessor }: Pick<ApiRooms, 'assessor'>): void {
  app.get(
    lifePaths.assessorPack,
    {
      config: { permission: 'audit.read' },
      schema: {
        summary:
          'What an assessor is shown between two days as JSON lines, the last of which seals the others; both days are in',
        tags: ['audit'],
        querystring: daysQuery,
      },
    },
    async ({ query: { from, to } }, reply) => {
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
      for await (const line of assessor.lines(from, to))
        if (!raw.write(`${JSON.stringify(line)}\n`)) await once(raw, 'drain');
      raw.end();
    },
  );
}
