import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { portOf } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { decodeHead, decodeSigned } from '@tsunagu/protocols/negative/authority';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type House, startHouse, until } from './house.ts';
import { enrolRogue } from './rogue.ts';

const browser = '/usr/bin/chromium';
const hasBrowser = existsSync(browser);
const hasMosquitto = spawnSync('mosquitto_sub', ['--help']).error === undefined;
if (!hasBrowser) console.log('skipped: no chromium here (Debian package chromium)');
if (!hasMosquitto) console.log('skipped: no mosquitto_sub here (Debian package mosquitto-clients)');

let house: House;
let folder: string;
beforeAll(async () => {
  house = await startHouse({ args: ['--sale-every-seconds', '3'] });
  folder = mkdtempSync(join(tmpdir(), 'tsunagu-peers-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await house?.stop();
});

/** Runs a command to its end; what it printed, and how it ended. */
const run = (command: string, args: readonly string[], timeoutMs = 20_000): Promise<{ code: number; text: string }> =>
  new Promise((resolve) =>
    execFile(command, args, { timeout: timeoutMs }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, text: stdout + stderr }),
    ),
  );

describe.skipIf(!hasMosquitto)('an MQTT client nobody here wrote', () => {
  test('gets the signed head of the negative list with a terminal’s certificate, and nothing without one', async () => {
    const { cert, key, ca, tenant } = await enrolRogue(house, 'PEER-0001');
    for (const [name, content] of Object.entries({ cert, key, ca }))
      writeFileSync(join(folder, name), content, { mode: 0o600 });
    const common = [
      '-h',
      'localhost',
      '-p',
      String(portOf(house.portBase, 'fleet')),
      '--cafile',
      join(folder, 'ca'),
      '-i',
      'PEER-0001',
      '-V',
      'mqttv311',
    ];
    const mine = ['--cert', join(folder, 'cert'), '--key', join(folder, 'key')];
    const heard = await run('mosquitto_sub', [
      ...common,
      ...mine,
      '-t',
      `tms/v1/${tenant}/bc/neg/regular`,
      '-q',
      '1',
      '-C',
      '1',
      '-W',
      '10',
      '-F',
      '%x',
    ]);
    expect(heard).toMatchObject({ code: 0 });
    // Two signed documents in bytes; the payload of the first begins with its type and the list's name.
    const bytes = Buffer.from(heard.text.trim(), 'hex');
    const head = unwrap(decodeHead(unwrap(decodeSigned(bytes)).document.payload));
    expect(head).toMatchObject({ list: 'regular' });
    const stranger = await run('mosquitto_sub', [...common, '-t', '#', '-C', '1', '-W', '5']);
    expect(stranger.code).not.toBe(0);
  });

  test('cannot publish as somebody else', async () => {
    const { cert, key, ca, tenant } = await enrolRogue(house, 'PEER-0002');
    for (const [name, content] of Object.entries({ cert, key, ca }))
      writeFileSync(join(folder, name), content, { mode: 0o600 });
    await run('mosquitto_pub', [
      '-h',
      'localhost',
      '-p',
      String(portOf(house.portBase, 'fleet')),
      '--cafile',
      join(folder, 'ca'),
      '--cert',
      join(folder, 'cert'),
      '--key',
      join(folder, 'key'),
      '-i',
      'PEER-0002',
      '-V',
      'mqttv311',
      '-q',
      '1',
      '-t',
      `tms/v1/${tenant}/CT5100-0001/up/hello`,
      '-m',
      '{}',
    ]);
    await until(() => house.logs().includes('MQTT_TOPIC_FORBIDDEN'), 60_000);
  });
});

describe.skipIf(!hasBrowser)('a real browser on the running house', () => {
  test('signs in by the one-time link, once, sees a sale arrive by itself, and changes the language', async () => {
    const opened = await chromium.launch({
      executablePath: browser,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    try {
      const page = await (await opened.newContext({ locale: 'ja-JP' })).newPage();
      await page.goto(house.signInUrl);
      await page.getByText('CT5100-0001').first().waitFor();
      const feed = page.locator('[data-testid=feed] li');
      await feed.first().waitFor();
      const newest = await feed.first().innerText();
      await until(async () => (await feed.first().innerText()) !== newest, 60_000);
      expect(await page.locator('html').getAttribute('lang')).toBe('ja');
      await page.getByRole('button', { name: 'English' }).click();
      await page.getByText('Online').first().waitFor();
      const again = await (await opened.newContext()).newPage();
      await again.goto(house.signInUrl);
      await again.waitForTimeout(1_500);
      expect(await again.getByText('CT5100-0001').count()).toBe(0);
    } finally {
      await opened.close();
    }
  });
});

test('the metrics speak Prometheus and name no terminal', async () => {
  const answer = await fetch(`http://127.0.0.1:${portOf(house.portBase, 'metrics')}/metrics`);
  const text = await answer.text();
  expect(answer.headers.get('content-type')).toContain('text/plain');
  expect(text).toMatch(/^tsunagu_terminals\{model="CT-5100",link="ready"\} 1$/m);
  expect(text).toMatch(/^tsunagu_sales_total\{/m);
  expect(text).not.toContain('CT5100-0001');
});
