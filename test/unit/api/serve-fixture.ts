// Serves the dashboard with fixture rooms behind it, for looking at it: node --conditions=tsunagu-source --import tsx FILE [terminals]
import { join } from 'node:path';
import { openedApi } from './opened-api.ts';

const count = Number(process.argv[2] ?? 8);
const { api, rooms, token } = await openedApi({
  count,
  port: Number(process.argv[3] ?? 8990),
  webDir: join(import.meta.dirname, '../../../fleet-server/dist-web'),
});
for (let index = 0; index < 40; index += 1) rooms.sell(index % count);
setInterval(() => rooms.sell(), 1_500);
console.log(JSON.stringify({ signIn: api.signInUrl(), token }));
