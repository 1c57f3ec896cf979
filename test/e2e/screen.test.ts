import { spawn } from '@lydell/node-pty';
import { Terminal } from '@xterm/headless';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type House, startHouse, until } from './house.ts';

let house: House;
beforeAll(async () => {
  house = await startHouse({ args: ['--terminals', '8', '--sale-every-seconds', '3600'] });
}, 180_000);
afterAll(async () => {
  await house?.stop();
});

/** The TUI in a real pseudo-terminal, seen through a terminal emulator. */
function openSeat(lang: 'ja' | 'en', columns = 120, rows = 40) {
  const emulator = new Terminal({ cols: columns, rows, allowProposedApi: true });
  const program = fileURLToPath(new URL('../../cli/bin/tsunagu.js', import.meta.url));
  const pty = spawn(process.execPath, [program, '--data', house.data, '--lang', lang], {
    cols: columns,
    rows,
    env: { ...process.env, TERM: 'xterm-256color', NO_COLOR: '1' } as Record<string, string>,
  });
  pty.onData((text) => emulator.write(text));
  const exited = new Promise<number>((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode)));
  const screen = (): string =>
    Array.from({ length: rows }, (_, row) => emulator.buffer.active.getLine(row)?.translateToString(true) ?? '').join(
      '\n',
    );
  const shows = (text: string | RegExp, timeoutMs = 60_000): Promise<void> =>
    until(() => (typeof text === 'string' ? screen().includes(text) : text.test(screen())), timeoutMs, screen);
  return { pty, screen, shows, exited, isAlternate: () => emulator.buffer.active.type === 'alternate' };
}

test('a technician sees the live list, opens a terminal, runs a test sale and watches its steps', async () => {
  const seat = openSeat('en');
  await seat.shows('8 terminals');
  await seat.shows('CT5100-0001');
  await seat.shows('LIVE');
  expect(seat.isAlternate()).toBe(true);
  seat.pty.write('/');
  await seat.shows('filter: _');
  seat.pty.write('CT5100');
  await seat.shows('1 of 8 terminals');
  seat.pty.write('\r');
  seat.pty.write('\r');
  await seat.shows('Certificate');
  await seat.shows('visa-contactless');
  seat.pty.write('s');
  await seat.shows('choose a card');
  // What the contract of the card that is chosen has, and no number of instalments that it has not.
  await seat.shows('payment method  Lump sum');
  const method = () => /payment method {2}(.*)/.exec(seat.screen())?.[1]?.trim();
  for (let presses = 0; !seat.screen().includes('payment method  Instalments x 3'); presses += 1) {
    expect(presses).toBeLessThan(12);
    const before = method();
    seat.pty.write('p');
    await until(() => method() !== before, 60_000);
  }
  seat.pty.write('n');
  await seat.shows('payment method  Instalments x 5');
  seat.pty.write('\r');
  await seat.shows(/approved .*¥1,280.*Instalments x 5/);
  expect(seat.screen()).toContain('answer received');
  seat.pty.write('\u001B');
  await seat.shows('1 of 8 terminals');
  seat.pty.write('\u001B');
  await seat.shows('8 terminals');
  seat.pty.write('q');
  expect(await seat.exited).toBe(0);
  expect(seat.isAlternate()).toBe(false);
});

test('an offer in the currency of the card is accepted with one key and declined with another, and the steps show both amounts, rate and mark-up', async () => {
  const set = await house.cli('config', 'set', 'terminal:CT5100-0001', 'dcc=true', '--reason', 'guests from abroad');
  expect(set.code, set.stderr).toBe(0);
  await until(async () => (await house.cli('config', 'show', 'CT5100-0001')).stdout.includes('dcc'), 60_000);
  const seat = openSeat('en');
  await seat.shows('8 terminals');
  seat.pty.write('/');
  await seat.shows('filter: _');
  seat.pty.write('CT5100');
  await seat.shows('1 of 8 terminals');
  seat.pty.write('\r');
  seat.pty.write('\r');
  await seat.shows('Certificate');
  const dialog = async (): Promise<void> => {
    seat.pty.write('s');
    await seat.shows('choose a card');
    const card = () => /> (\S+)/.exec(seat.screen())?.[1];
    for (let presses = 0; card() !== 'visa-usd'; presses += 1) {
      expect(presses).toBeLessThan(60);
      const before = card();
      seat.pty.write('j');
      await until(() => card() !== before, 60_000);
    }
    await seat.shows('[ ] a: accept  [x] d: decline, pay in yen');
  };
  await dialog();
  seat.pty.write('a');
  await seat.shows('[x] a: accept  [ ] d: decline, pay in yen');
  seat.pty.write('\r');
  // The sale of before was approved, too: this one is known by its offer.
  await seat.shows(/offered in the own currency .*1,280 \/ USD 8\.74, JPY 1 = USD 0\.0068\d*, \+4\.00%/);
  await seat.shows(/cardholder chose .*USD 8\.74[\s\S]*approved .*¥1,280/);
  await dialog();
  seat.pty.write('a');
  await seat.shows('[x] a: accept');
  seat.pty.write('d');
  await seat.shows('[x] d: decline');
  seat.pty.write('\r');
  await seat.shows(/cardholder chose .*1,280[\s\S]*approved .*¥1,280/);
  expect(seat.screen()).toMatch(/offered in the own currency .*USD 8\.74/);
  expect(seat.screen()).not.toMatch(/cardholder chose .*USD/);
  seat.pty.write('L');
  await seat.shows('お客様の選択');
  seat.pty.write('s');
  await seat.shows('自国通貨の提示:  [ ] a: 承諾  [x] d: 辞退(円で支払う)');
  seat.pty.write('\u0003');
  await seat.exited;
});

test('speaks Japanese, changes the language at a key, and Ctrl-C always leaves', async () => {
  const seat = openSeat('ja', 80, 24);
  await seat.shows('端末 8 台');
  await seat.shows('接続中');
  seat.pty.write('L');
  await seat.shows('8 terminals');
  seat.pty.write('\u0003');
  expect(await seat.exited).toBe(0);
});

test('an issuer that says no: in a small window too a technician reads to its end what to do next', async () => {
  const seat = openSeat('en', 80, 24);
  await seat.shows('CT5100-0001');
  seat.pty.write('/');
  await seat.shows('filter: _');
  seat.pty.write('CT5100');
  await seat.shows('1 of 8 terminals');
  seat.pty.write('\r');
  seat.pty.write('\r');
  await seat.shows('Certificate');
  const words = (): string => seat.screen().replaceAll(/\s+/g, ' ');
  const stan = (): string | undefined => /STAN (\d+)/.exec(words())?.[1];
  const sell = async (): Promise<void> => {
    const last = stan();
    seat.pty.write('s');
    await seat.shows('choose a card');
    for (let down = 0; !seat.screen().includes('> visa-declined'); down += 1) {
      const before = seat.screen();
      seat.pty.write('j');
      await until(() => seat.screen() !== before, 60_000, seat.screen);
      expect(down).toBeLessThan(60);
    }
    seat.pty.write('\r');
    await until(() => stan() !== last && /next: .* means of payment\./.test(words()), 60_000, seat.screen);
  };
  await sell();
  // On a machine that has much else to do the issuer may be late, which is another "no": the sale is made anew.
  for (let again = 0; words().includes('action code 911') && again < 5; again += 1) await sell();
  expect(words()).toContain('next: Try a lower amount, another card, or another means of payment.');
  // 80 columns are less than what happened takes.
  expect(words()).toMatch(/declined ¥1,280 .* \(Not sufficient funds\) \d+ ms/);
  seat.pty.write('\u0003');
  expect(await seat.exited).toBe(0);
});

test('narrow windows lose columns, never wrap', async () => {
  const seat = openSeat('en', 60, 20);
  await seat.shows('CT5100-0001');
  expect(
    seat
      .screen()
      .split('\n')
      .filter((line) => line.includes('CT5100-0001')),
  ).toHaveLength(1);
  seat.pty.write('q');
  expect(await seat.exited).toBe(0);
});
