// Writes docs/wire out of the declarations in protocols/src/fleet and the running management API: `npm run documents`.
// A test keeps the two equal.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asyncApi, deviceOpenApi, jsonSchemas } from '../protocols/dist/documents/index.js';

/** A document as text: two spaces, a line feed at the end. */
const text = (document) => `${JSON.stringify(document, undefined, 2)}\n`;

/** Every file of docs/wire, by its path below it. `management` is what the server answers on /api/v1/openapi.json. */
export const wireFiles = (management) => ({
  'w1-fleet.asyncapi.json': text(asyncApi()),
  'w2-device.openapi.json': text(deviceOpenApi()),
  'w5-management.openapi.json': text(management),
  ...Object.fromEntries(
    Object.entries(jsonSchemas()).map(([name, schema]) => [`schemas/${name}.schema.json`, text(schema)]),
  ),
});

/** What a real fleet server, opened for a moment on ports of its own, says of its management API. */
async function managementDocument() {
  const { openHouse } = await import('../fleet-server/dist/house.js');
  const { tenantSchema } = await import('../protocols/dist/fleet/index.js');
  const { unwrap } = await import('../protocols/dist/kit/index.js');
  const { systemWorld } = await import('../protocols/dist/world/index.js');
  const dataDir = mkdtempSync(join(tmpdir(), 'tsunagu-documents-'));
  const tenant = tenantSchema.parse('demo');
  const world = systemWorld(() => {});
  const house = unwrap(await openHouse({ world, dataDir, host: '127.0.0.1', portBase: 0, tenant }));
  try {
    return await (await fetch(`${house.managementUrl}/api/v1/openapi.json`)).json();
  } finally {
    await house.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = new URL('../docs/wire/', import.meta.url);
  rmSync(new URL('schemas', folder), { recursive: true, force: true });
  mkdirSync(new URL('schemas', folder), { recursive: true });
  for (const [path, content] of Object.entries(wireFiles(await managementDocument())))
    writeFileSync(new URL(path, folder), content);
}
