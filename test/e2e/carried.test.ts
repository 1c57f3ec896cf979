import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { job, registeredTerminal, terminalDetail } from '@tsunagu/protocols/fleet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { agentProgram, type Desk, openDesk, type Program, serverProgram } from './desk.ts';
import { freePortBase, runCli, until } from './house.ts';

// Jobs that somebody carries to a terminal without a line, between a server process and a terminal process that never see each other meanwhile.
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-carried-'));
const data = join(folder, 'house');
const serial = 'CT5100-0001';
const own = join(data, 'terminals', serial);
const at = (name: string): string => join(folder, name);
let portBase = '';
let server: Program;
let agent: Program;
let desk: Desk;
let [olga, timo] = ['', ''];
const serve = async (): Promise<void> => {
  server = serverProgram(data, portBase);
  await server.ready;
};
const terminal = async () => terminalDetail.parse((await desk.call(olga, `/api/v1/terminals/${serial}`)).body);
const jobOf = async (id: string) => job.parse((await desk.call(olga, `/api/v1/jobs/${id}`)).body);
const order = async (type: string, params: object = {}) => {
  const notAfter = new Date(Date.now() + 86_400_000).toISOString();
  const made = await desk.call(olga, `/api/v1/terminals/${serial}/jobs`, { job: { type, params }, notAfter });
  return job.parse(made.body).id;
};
const cli = (...args: string[]) => runCli(['--data', data, ...args], { TSUNAGU_TOKEN: timo, TSUNAGU_URL: urlOf() });
const urlOf = (): string =>
  z.object({ url: z.string() }).parse(JSON.parse(readFileSync(join(data, 'access.json'), 'utf8'))).url;
const reports = z.object({
  format: z.string(),
  reports: z.array(z.object({ statement: z.string(), signature: z.string() })),
});

beforeAll(async () => {
  portBase = String(await freePortBase());
  await serve();
  desk = openDesk(data);
  olga = await desk.person('olga', 'operator');
  timo = await desk.person('timo', 'technician');
  const place = { merchant: 'm', shop: 's' };
  const made = await desk.call(desk.owner, '/api/v1/terminals', { serial, model: 'CT-5100', place });
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'claim.json'), JSON.stringify(registeredTerminal.parse(made.body).claim), { mode: 0o600 });
  agent = agentProgram(own, ['--sale-every-seconds', '3600']);
  await until(
    async () => (await terminal()).keys.length > 0,
    60_000,
    () => 'no keys',
  );
  // What it has to say of other jobs is said before its line is gone.
  const under = async () => JSON.stringify((await desk.call(olga, `/api/v1/jobs?serial=${serial}`)).body);
  await until(
    async () => !/"state":"(queued|offered|running)"/.test(await under()),
    60_000,
    () => 'a job is open',
  );
  await agent.kill();
}, 180_000);
afterAll(async () => {
  for (const each of [agent, server]) await each?.kill();
  rmSync(folder, { recursive: true, force: true });
});

test('a technician carries jobs to a terminal without a line and its word back; each has its effect once, whichever way it comes', async () => {
  const diagnosis = await order('terminal.diagnose');
  const restart = await order('terminal.reboot');
  await order('log.pull', { linesMax: 10 });
  const fetched = await cli('job', 'carry', serial, '--out', at('jobs'));
  expect(fetched, fetched.stderr).toMatchObject({ code: 0 });
  expect(fetched.stdout).toContain('Restart');
  expect(fetched.stderr).toContain('stays here: Pull the log');
  // The same once more: what was handed out is handed out as it was.
  const again = await cli('--lang', 'ja', 'job', 'carry', serial, '--out', at('jobs-again'));
  expect(again.stderr).toContain('持参');
  expect(JSON.parse(readFileSync(at('jobs-again'), 'utf8'))).toEqual(JSON.parse(readFileSync(at('jobs'), 'utf8')));

  await server.kill();
  agent = agentProgram(own, ['--sale-every-seconds', '3600']);
  const brought = await cli('emulate', 'carry', serial, at('jobs'), '--out', at('reports'));
  expect(brought, brought.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('handed back 2 reports') });
  // Brought again it tells the same, and does nothing.
  expect(await cli('emulate', 'carry', serial, at('jobs-again'), '--out', at('reports-again'))).toMatchObject({
    code: 0,
  });
  const told = reports.parse(JSON.parse(readFileSync(at('reports'), 'utf8')));
  const said = (text: string) => told.reports.map(({ statement }) => statement).filter((one) => one.includes(text));
  const toldAgain = reports.parse(JSON.parse(readFileSync(at('reports-again'), 'utf8')));
  expect(toldAgain.reports.map(({ statement }) => statement)).toEqual(told.reports.map(({ statement }) => statement));
  expect(said(restart)).toHaveLength(1);
  await agent.kill();

  await serve();
  expect(await jobOf(diagnosis)).toMatchObject({ state: 'offered' });
  // Somebody on the way makes a success of another terminal's, or another end, of it.
  const forged = told.reports.map((report) => ({
    ...report,
    statement: report.statement.replace('succeeded', 'failed'),
  }));
  writeFileSync(at('forged'), JSON.stringify({ ...told, reports: forged }));
  const refused = await cli('job', 'deliver', at('forged'));
  expect(refused).toMatchObject({ code: 5, stdout: expect.stringContaining('SIGNATURE_INVALID') });
  expect(await jobOf(diagnosis)).toMatchObject({ state: 'offered' });

  for (const name of ['reports', 'reports-again']) {
    const delivered = await cli('job', 'deliver', at(name));
    expect(delivered, delivered.stdout + delivered.stderr).toMatchObject({ code: 0 });
  }
  expect(await jobOf(diagnosis)).toMatchObject({ state: 'succeeded', result: { diagnostics: expect.anything() } });
  const { result } = await jobOf(restart);
  expect(await jobOf(restart)).toMatchObject({ state: 'succeeded' });

  // With its line it tells once more; nothing changes, and what needs the server is done now.
  agent = agentProgram(own, ['--sale-every-seconds', '3600']);
  await until(
    async () => {
      const list = (await desk.call(olga, `/api/v1/jobs?serial=${serial}&type=log.pull`)).body;
      return z
        .object({ items: z.array(job) })
        .parse(list)
        .items.every(({ state }) => state === 'succeeded');
    },
    60_000,
    () => 'the log did not come',
  );
  expect(await jobOf(restart)).toMatchObject({ state: 'succeeded', result, attempt: 1 });
}, 240_000);

test('the word of a terminal whose certificate was revoked, and a file that is none, are not taken', async () => {
  await agent.kill();
  const diagnosis = await order('terminal.diagnose');
  expect(await cli('job', 'carry', serial, '--out', at('more'))).toMatchObject({ code: 0 });
  agent = agentProgram(own, ['--sale-every-seconds', '3600']);
  expect(await cli('emulate', 'carry', serial, at('reports'), '--out', at('none'))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('CARRIED_FILE_INVALID'),
  });
  await server.kill();
  expect(await cli('emulate', 'carry', serial, at('more'), '--out', at('more-reports'))).toMatchObject({ code: 0 });
  await agent.kill();
  await serve();
  const taken = await jobOf(diagnosis);
  const revoked = await fetch(new URL(`/api/v1/terminals/${serial}/certificate`, urlOf()), {
    method: 'DELETE',
    headers: { authorization: `Bearer ${olga}` },
  });
  expect(revoked.status).toBe(200);
  const delivered = await cli('job', 'deliver', at('more-reports'));
  expect(delivered).toMatchObject({ code: 5, stdout: expect.stringContaining('SIGNATURE_INVALID') });
  expect(await jobOf(diagnosis)).toMatchObject({ state: taken.state });
}, 120_000);
