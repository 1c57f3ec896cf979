import {
  page,
  acquirerSet,
  beginCeremony,
  breakOffRotation,
  beginRun,
  confirmCeremony,
  enterComponent,
  job,
  keyCeremonyView,
  type KeyCeremonyView,
  keyExposure,
  keyInventory,
  type KeyInventoryEntry,
  keyRecord,
  keyReleaseRecord,
  type KeyRun,
  type KeyRunView,
  keyRunView,
  managementPaths,
  manifestCheck,
  negativeKeyRotation,
  negativeKeyRotations,
  type NegativeKeyRotation,
  permissionsOf,
  rotateKey,
  runNote,
  runSubmission,
  serialSchema,
  setAcquirers,
  suspectKey,
  switchNegativeKey,
} from '@tsunagu/protocols/fleet';
import { fail, FaultError, hex, Secret, unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { type Ceremony, runPdf } from '../../keys/index.ts';
import type { People } from '../access/people.ts';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { etagOf, ifMatch, versionOf } from '../if-match.ts';
import type { ApiRooms } from '../ports.ts';
import { listQuery, openQuery, pageOf } from '../list-query.ts';
import { refused } from '../problems.ts';

const byId = z.object({ id: z.uuid() });
const tags = ['keys'];

/** Keys in custody: inventory, ceremonies, injection runs, suspicion. */
export function keyRoutes(app: ApiApp, people: Pick<People, 'find' | 'list'>, { keys }: Pick<ApiRooms, 'keys'>): void {
  ceremonyRoutes(app, people, keys.ceremonies);
  runRoutes(app, people, keys.runs);
  const { inventory: rooms } = keys;
  const rotation = (told: NegativeKeyRotation): NegativeKeyRotation => ({
    ...told,
    breakOff: told.breakOff && { ...told.breakOff, by: people.find(told.breakOff.by)?.name ?? told.breakOff.by },
  });
  const shown = (items: readonly KeyInventoryEntry[]) => ({ items: [...items], firstKeys: rooms.firstKeys });

  app.get(
    '/api/v1/keys',
    {
      config: { role: 'viewer' },
      schema: { summary: 'Keys above those of terminals', tags, response: { 200: keyInventory, '4xx': refused } },
    },
    async () => shown(await rooms.list()),
  );
  app.get(
    '/api/v1/keys/exposure',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What hangs on a key: terminals, windows of transactions, keys below',
        tags,
        querystring: listQuery.extend({ key: z.string().max(60).describe('Name of the key.') }),
        response: { 200: keyExposure, '4xx': refused },
      },
    },
    async ({ query: { key, ...query } }) => unwrap(await rooms.exposure(key, pageOf(query))),
  );
  app.post(
    managementPaths.keyRotations,
    {
      config: { permission: 'keys.order' },
      schema: {
        summary: 'Have another base key take over; keys below the old one count on until they are replaced',
        tags,
        body: rotateKey,
        response: { 200: keyInventory, '4xx': refused },
      },
    },
    async (request) => shown(unwrap(await rooms.rotate(request.body.key))),
  );
  app.get(
    managementPaths.keyRotations,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The last rotation of the key of negative lists, and how far it is; empty before the first',
        tags,
        response: { 200: negativeKeyRotations, '4xx': refused },
      },
    },
    async () => {
      const last = await keys.negative.progress();
      return { items: last.ok ? [rotation(last.value)] : [] };
    },
  );
  app.get(
    '/api/v1/keys/rotations/negative',
    {
      config: { role: 'viewer' },
      schema: {
        summary:
          'How far the rotation of the key of negative lists is: which terminals and cards it waits for, and why',
        tags,
        response: { 200: negativeKeyRotation, '4xx': refused },
      },
    },
    async () => rotation(unwrap(await keys.negative.progress())),
  );
  app.post(
    '/api/v1/keys/rotations/negative/switch',
    {
      config: { permission: 'keys.approve' },
      schema: {
        summary: 'Put every negative list under the key that was spread, in a new epoch',
        tags,
        body: switchNegativeKey,
        response: { 200: negativeKeyRotation, '4xx': refused },
      },
    },
    async (request) => rotation(unwrap(await keys.negative.switchTo(request.body.key, request.body.leaveBehind))),
  );
  app.post(
    '/api/v1/keys/rotations/negative/break-off',
    {
      config: { permission: 'keys.order' },
      schema: {
        summary:
          'Ask that the rotation of the key of negative lists be broken off, before lists are under the next one; it is when a second person approves',
        tags,
        body: breakOffRotation,
        response: { 200: negativeKeyRotation, '4xx': refused },
      },
    },
    async (request) =>
      rotation(unwrap(await keys.negative.askBreakOff(request.body.key, request.body.reason, actorOf(request)))),
  );
  app.post(
    '/api/v1/keys/suspicions',
    {
      config: { permission: 'keys.order' },
      schema: {
        summary:
          'A base key is suspect: another takes over at once, and the campaign that replaces all below it is proposed',
        tags,
        body: suspectKey,
        response: { 200: keyExposure, '4xx': refused },
      },
    },
    async (request) => unwrap(await rooms.suspect(request.body.key, request.body.reason, actorOf(request))),
  );
  app.post(
    '/api/v1/keys/retirements',
    {
      config: { permission: 'keys.approve' },
      schema: {
        summary: 'Destroy a base key that nothing hangs on any more',
        tags,
        body: rotateKey,
        response: { 200: keyInventory, '4xx': refused },
      },
    },
    async (request) => shown(unwrap(await rooms.retire(request.body.key))),
  );
  app.get(
    '/api/v1/terminals/:serial/acquirers',
    {
      config: { permission: 'fleet.read' },
      schema: {
        summary: 'Which card companies a terminal holds keys of; the version is the ETag',
        tags,
        params: z.object({ serial: serialSchema }),
        response: { 200: acquirerSet, '4xx': refused },
      },
    },
    async (request, reply) => {
      const found = unwrap(await keys.acquirers.of(request.params.serial));
      return reply.header('etag', etagOf(found.version)).send(found);
    },
  );
  app.put(
    '/api/v1/terminals/:serial/acquirers',
    {
      config: { permission: 'keys.order', header: { ...ifMatch, says: `${ifMatch.says} "0" sets the first.` } },
      schema: {
        summary: 'Which card companies a terminal holds keys of: PIN, MAC and data, loaded at once if it is connected',
        tags,
        params: z.object({ serial: serialSchema }),
        body: setAcquirers,
        response: { 200: acquirerSet, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { serial } = request.params;
      const set = unwrap(await keys.acquirers.set(serial, versionOf(request), request.body.acquirers));
      return reply.header('etag', etagOf(set.version)).send(set);
    },
  );
  app.post(
    '/api/v1/terminals/:serial/protection-key',
    {
      config: { permission: 'keys.order' },
      schema: {
        summary: 'Rotate the key-block protection key of a terminal by TR-34; all keys below it follow',
        tags,
        params: z.object({ serial: serialSchema }),
        response: { 202: job, '4xx': refused },
      },
    },
    async (request, reply) => {
      const made = unwrap(await keys.renewProtection(request.params.serial));
      return reply.status(202).header('location', `/api/v1/jobs/${made.id}`).send(made);
    },
  );
  app.get(
    '/api/v1/terminals/:serial/key-releases',
    {
      config: { role: 'viewer' },
      schema: {
        summary:
          'What a terminal swore to when it was unbound from a key host or rebound to another: which host, which keys are gone; newest first, a hundred at most',
        tags,
        params: z.object({ serial: serialSchema }),
        response: { 200: z.object({ items: z.array(keyReleaseRecord) }), '4xx': refused },
      },
    },
    async (request) => ({ items: [...unwrap(await keys.releases(request.params.serial))] }),
  );
}

/** Names of those of these ids that are people here. */
const namesOf = (people: Pick<People, 'find'>, ids: readonly (string | null)[]): Record<string, string> =>
  Object.fromEntries(
    ids.flatMap((id) => {
      const name = id === null ? undefined : people.find(id)?.name;
      return id === null || name === undefined ? [] : [[id, name]];
    }),
  );

/** Who of a name or an id can be a custodian. */
function custodianOf(people: Pick<People, 'find' | 'list'>, text: string): string {
  const found = people.find(text) ?? people.list().find(({ name, endedAt }) => name === text && endedAt === null);
  if (!found || found.endedAt !== null || !permissionsOf(found.roles).has('keys.custody'))
    throw new FaultError(fail('KEY_CUSTODIAN_UNFIT', { field: 'custodians' }).fault);
  return found.id;
}

function ceremonyRoutes(
  app: ApiApp,
  people: Pick<People, 'find' | 'list'>,
  ceremonies: ApiRooms['keys']['ceremonies'],
): void {
  const response = { 200: keyCeremonyView, '4xx': refused };
  const view = ({ custodians, entered, steps, ...from }: Ceremony): KeyCeremonyView => ({
    ...from,
    custodians: [...custodians],
    entered: [...entered],
    steps: [...steps],
    people: namesOf(people, [...custodians, ...steps.map(({ by }) => by)]),
  });
  app.get(
    '/api/v1/keys/ceremonies',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Key ceremonies, newest first',
        tags,
        querystring: openQuery,
        response: { 200: page(keyCeremonyView), '4xx': refused },
      },
    },
    async ({ query: { open, ...query } }) => {
      const { items, next } = unwrap(await ceremonies.list({ ...pageOf(query), isOpen: open === 'true' }));
      return { items: items.map(view), next };
    },
  );
  app.post(
    '/api/v1/keys/ceremonies',
    {
      config: { permission: 'keys.order' },
      schema: {
        summary: 'Begin a ceremony: the key, and who enters its components',
        tags,
        body: beginCeremony,
        response,
      },
    },
    async (request) => {
      const custodians = request.body.custodians.map((each) => custodianOf(people, each));
      return view(unwrap(await ceremonies.begin({ ...request.body, custodians }, actorOf(request))));
    },
  );
  app.get(
    '/api/v1/keys/ceremonies/:id',
    { config: { role: 'viewer' }, schema: { summary: 'A ceremony', tags, params: byId, response } },
    async (request) => view(unwrap(await ceremonies.get(request.params.id))),
  );
  app.post(
    '/api/v1/keys/ceremonies/:id/components',
    {
      config: { permission: 'keys.custody' },
      schema: {
        summary: "Enter one's component; the answer shows its check value",
        tags,
        params: byId,
        body: enterComponent,
        response,
      },
    },
    async (request) => {
      const component = Secret.take('key', hex(request.body.component.toUpperCase()));
      return view(unwrap(await ceremonies.enter(request.params.id, component, actorOf(request))));
    },
  );
  app.post(
    '/api/v1/keys/ceremonies/:id/confirmation',
    {
      config: { permission: 'keys.custody' },
      schema: {
        summary: 'Confirm the check value of the whole: from then on the key is in the vault',
        tags,
        params: byId,
        body: confirmCeremony,
        response,
      },
    },
    async (request) => view(unwrap(await ceremonies.confirm(request.params.id, request.body.kcv, actorOf(request)))),
  );
  app.post(
    '/api/v1/keys/ceremonies/:id/abort',
    {
      config: { permission: 'keys.order' },
      schema: { summary: 'End a ceremony; its components are forgotten', tags, params: byId, body: runNote, response },
    },
    async (request) => view(unwrap(await ceremonies.abort(request.params.id, request.body.note, actorOf(request)))),
  );
  app.get(
    '/api/v1/keys/ceremonies/:id/record',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The signed record of a ceremony: `tsunagu keys verify` replays it without a server',
        tags,
        params: byId,
        response: { 200: keyRecord, '4xx': refused },
      },
    },
    async (request) => {
      const { people: names } = view(unwrap(await ceremonies.get(request.params.id)));
      return unwrap(await ceremonies.record(request.params.id, names));
    },
  );
}

function runRoutes(app: ApiApp, people: Pick<People, 'find'>, runs: ApiRooms['keys']['runs']): void {
  const response = { 200: keyRunView, '4xx': refused };
  const view = (run: KeyRun): KeyRunView => ({
    ...run,
    people: namesOf(people, [run.orderedBy, run.authorisedBy, ...run.devices.map(({ by }) => by)]),
  });
  const byDevice = byId.extend({ serial: z.string().min(1).max(40) });
  app.get(
    '/api/v1/keys/runs',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Injection runs, newest first, without their devices',
        tags,
        querystring: openQuery,
        response: { 200: page(keyRunView), '4xx': refused },
      },
    },
    async ({ query: { open, ...query } }) => {
      const { items, next } = unwrap(await runs.list({ ...pageOf(query), isOpen: open === 'true' }));
      return { items: items.map(view), next };
    },
  );
  app.post(
    '/api/v1/keys/runs',
    {
      config: { permission: 'keys.order' },
      schema: { summary: 'Propose an injection run with its manifest', tags, body: beginRun, response },
    },
    async (request) => view(unwrap(await runs.propose(request.body.name, request.body.serials, actorOf(request)))),
  );
  app.post(
    managementPaths.keyRunDryRuns,
    {
      config: { permission: 'keys.order' },
      schema: {
        summary: 'Hold a manifest against the inventory: which lines a run would not take, and why. Nothing is stored',
        tags,
        body: beginRun.pick({ serials: true }),
        response: { 200: manifestCheck, '4xx': refused },
      },
    },
    async (request) => unwrap(await runs.check(request.body.serials)),
  );
  app.get(
    '/api/v1/keys/runs/:id',
    { config: { role: 'viewer' }, schema: { summary: 'A run with its devices', tags, params: byId, response } },
    async (request) => view(unwrap(await runs.get(request.params.id))),
  );
  app.post(
    '/api/v1/keys/runs/:id/authorisation',
    {
      config: { permission: 'keys.approve' },
      schema: { summary: 'Authorise a manifest, as somebody else than who proposed it', tags, params: byId, response },
    },
    async (request) => view(unwrap(await runs.authorise(request.params.id, actorOf(request)))),
  );
  app.post(
    '/api/v1/keys/runs/:id/devices',
    {
      config: { permission: 'fleet.field' },
      schema: {
        summary: 'A device is at the bench; one that is not listed is refused, and has to be investigated',
        tags,
        params: byId,
        body: runSubmission,
        response,
      },
    },
    async (request) => {
      const submitted = await runs.submit(request.params.id, request.body.serial, actorOf(request));
      if (!submitted.ok) throw new FaultError(submitted.fault);
      return view(submitted.value);
    },
  );
  for (const [path, verb, summary, permission] of [
    ['rejection', 'reject', 'Take a device out of a run', 'fleet.field'],
    ['investigation', 'investigate', 'Write down what became of a device that was not listed', 'keys.approve'],
  ] as const)
    app.post(
      `/api/v1/keys/runs/:id/devices/:serial/${path}`,
      { config: { permission }, schema: { summary, tags, params: byDevice, body: runNote, response } },
      async (request) => {
        const { id, serial } = request.params;
        return view(unwrap(await runs[verb](id, serial, request.body.note, actorOf(request))));
      },
    );
  app.post(
    '/api/v1/keys/runs/:id/close',
    {
      config: { permission: 'keys.order' },
      schema: {
        summary: 'Close a run: submitted must be keyed + rejected + investigated',
        tags,
        params: byId,
        response,
      },
    },
    async (request) => view(unwrap(await runs.close(request.params.id, actorOf(request)))),
  );
  app.get(
    '/api/v1/keys/runs/:id/report',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The report of a run as PDF, base64',
        tags,
        params: byId,
        querystring: z.object({ lang: z.enum(['ja', 'en']).default('en') }),
        response: { 200: z.object({ pdf: z.base64() }), '4xx': refused },
      },
    },
    async (request) => {
      const run = view(unwrap(await runs.get(request.params.id)));
      return { pdf: Buffer.from(await runPdf(run, request.query.lang)).toString('base64') };
    },
  );
  app.get(
    '/api/v1/keys/runs/:id/record',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The signed report of a run',
        tags,
        params: byId,
        response: { 200: keyRecord, '4xx': refused },
      },
    },
    async (request) => {
      const { people: names } = view(unwrap(await runs.get(request.params.id)));
      return unwrap(await runs.record(request.params.id, names));
    },
  );
}
