import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { terminalCodec } from '@tsunagu/protocols/acquiring';
import { openScriptCommand, parseIssuerScript, scriptSession } from '@tsunagu/protocols/emv';
import { hex, unwrap } from '@tsunagu/protocols/kit';
import { scriptKeysOf, testCard, testCards } from '@tsunagu/protocols/test-cards';
import { decodeTlv, findTlv } from '@tsunagu/protocols/tlv';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { afterPowerCut, openSmallHouse, type SmallHouse, until } from './small-house.ts';

let house: SmallHouse;
beforeAll(async () => {
  house = await openSmallHouse();
});
afterAll(async () => {
  await house?.close();
});

const rowOf = (stan: unknown, serial: string) =>
  house.store.db
    .selectFrom('switch_sales')
    .selectAll()
    .where('stan', '=', String(stan))
    .where('serial', '=', serial)
    .orderBy('seq', 'desc')
    .executeTakeFirstOrThrow();

const neighbourSells = async (): Promise<void> => {
  const neighbour = await house.terminal('CATS220-0001');
  expect((await neighbour.ask(neighbour.sale('mastercard-contact', 300))).text(39)).toBe('000');
  neighbour.close();
};

test('a chip sale is approved by the issuer, with its cryptogram answered, and journalled before it is told', async () => {
  const terminal = await house.terminal('CT5100-0001');
  const sale = terminal.sale('visa-contact', 1280);
  const answer = await terminal.ask(sale);
  expect(answer.mti).toBe('1210');
  expect(answer.text(39)).toBe('000');
  expect(answer.text(38)).toMatch(/^[0-9A-F]{6}$/);
  expect(Buffer.from(answer.binary(55) ?? []).toString('hex')).toMatch(/^910a/);
  expect(answer.text(11)).toBe(sale.fields[11]);
  const row = await rowOf(sale.fields[11], 'CT5100-0001');
  expect(row).toMatchObject({ state: 'approved', decided_by: 'issuer', last_four: '0010', scheme: 'visa' });
  expect(house.lines.at(-1)).toMatchObject({ id: row.id, outcome: 'approved', amountMinor: 1280, lastFour: '0010' });
  expect((await house.sw.sales(undefined, 10))[0]).toMatchObject({ id: row.id, rrn: row.rrn });
  expect((await house.sw.totals(Date.now() - 60_000)).amountMinor).toBeGreaterThanOrEqual(1280);
  const { entries } = unwrap(await house.sw.operator.transaction(row.id));
  expect(entries.map(({ entry }) => entry)).toEqual(['received', 'send-intended', 'answered']);
  terminal.close();
});

test('every test card whose fate is approval is approved, each by its own cryptogram', async () => {
  const terminal = await house.terminal('CT5100-0001');
  for (const { name, fate } of testCards().filter((card) => card.fate.kind === 'approved')) {
    // UnionPay wants PIN and signature where a chip was read.
    const isUnionPay = name.startsWith('unionpay');
    const plain = terminal.sale(name, 500);
    const ksn = terminal.ksn();
    const both = { mti: plain.mti, fields: { ...plain.fields, 22: '510101513144', 63: 'CV15' } };
    terminal.socket.write(terminal.frame(isUnionPay ? terminal.withPin(both, '482915', ksn) : plain, ksn));
    const answer = await terminal.answer();
    expect([name, fate.kind, answer.text(39)]).toEqual([name, 'approved', '000']);
  }
  terminal.close();
});

test('a declined card is 116, a wrong cryptogram 129, and neither takes money', async () => {
  const terminal = await house.terminal('CT5100-0001');
  const before = house.ledger.takenMinor;
  expect((await terminal.ask(terminal.sale('visa-declined', 1000))).text(39)).toBe('116');
  const forged = terminal.sale('visa-contact', 1000, { cryptogram: '0011223344556677' });
  expect((await terminal.ask(forged)).text(39)).toBe('129');
  expect(house.ledger.takenMinor).toBe(before);
  terminal.close();
});

test('an issuer tells a chip what to do in a script that only that chip’s keys made', async () => {
  const terminal = await house.terminal('CT5100-0001');
  for (const [name, actionCode, ins] of [
    ['visa-pin-blocked', '000', 0x24],
    ['visa-stolen', '209', 0x1e],
  ] as const) {
    const sale = terminal.sale(name, 700);
    const answer = await terminal.ask(sale);
    expect(answer.text(39)).toBe(actionCode);
    const script = findTlv(unwrap(decodeTlv(answer.binary(55) ?? hex(''))), 0x72);
    const [order] = script === undefined ? [] : unwrap(parseIssuerScript(script)).commands;
    const sent = sale.fields[55];
    const cryptogram = findTlv(unwrap(decodeTlv(sent instanceof Uint8Array ? sent : hex(''))), 0x9f26)?.value;
    if (order === undefined || cryptogram === undefined) throw new Error('no script');
    expect(order.ins).toBe(ins);
    const keys = scriptKeysOf(testCard(name));
    expect(openScriptCommand(scriptSession(keys, cryptogram), order).ok).toBe(true);
    const others = scriptKeysOf(testCard('visa-contact'));
    expect(openScriptCommand(scriptSession(others, cryptogram), order).ok).toBe(false);
  }
  terminal.close();
});

test('an issuer that stays silent gives 911, and a reversal that it takes', async () => {
  const terminal = await house.terminal('CT5100-0001');
  const sale = terminal.sale('visa-silent', 2000);
  expect((await terminal.ask(sale)).text(39)).toBe('911');
  await until(async () => (await rowOf(sale.fields[11], 'CT5100-0001')).state === 'reversed');
  expect(house.lines.at(-1)).toMatchObject({ outcome: 'reversed', actionCode: '911', reason: 'ISSUER_TIMEOUT' });
  terminal.close();
});

test('the same request again gets the stored answer, byte for byte, and takes money once', async () => {
  const terminal = await house.terminal('CT5100-0001');
  const sale = terminal.sale('jcb-contact', 700);
  const first = await terminal.ask(sale);
  const taken = house.ledger.takenMinor;
  const second = await terminal.ask({ mti: '1201', fields: { ...sale.fields, 7: '0101000000' } });
  expect(second.toJSON()).toEqual(first.toJSON());
  expect(second.text(38)).toBe(first.text(38));
  expect(house.ledger.takenMinor).toBe(taken);
  terminal.close();
});

test('a repeat that comes while the first is under way gets the same answer, and money is taken once', async () => {
  const terminal = await house.terminal('CT5100-0001');
  const sale = terminal.sale('jcb-contact', 701);
  const taken = house.ledger.takenMinor;
  terminal.socket.write(Buffer.concat([terminal.frame(sale), terminal.frame({ ...sale, mti: '1201' })]));
  const answers = [await terminal.answer(), await terminal.answer()];
  expect(answers.map((answer) => answer.text(39))).toEqual(['000', '000']);
  expect(house.ledger.takenMinor).toBe(taken + 701);
  terminal.close();
});

test('another request under a used number is 913 and an alarm', async () => {
  const terminal = await house.terminal('CT5100-0001');
  const sale = terminal.sale('visa-contact', 800);
  expect((await terminal.ask(sale)).text(39)).toBe('000');
  const other = terminal.sale('visa-contact', 900);
  const answer = await terminal.ask({
    ...other,
    fields: { ...other.fields, 11: sale.fields[11] ?? '', 12: sale.fields[12] ?? '' },
  });
  expect(answer.text(39)).toBe('913');
  expect(house.alarms.at(-1)?.fault.code).toBe('SWITCH_DUPLICATE_DIFFERS');
  terminal.close();
});

test('a reversal takes an approved sale back, once, however often it is sent', async () => {
  const terminal = await house.terminal('CT5100-0001');
  const before = house.ledger.takenMinor;
  const sale = terminal.sale('amex-contact', 4000);
  expect((await terminal.ask(sale)).text(39)).toBe('000');
  const reversal = terminal.reversal(sale, '4000');
  const answer = await terminal.ask(reversal);
  expect([answer.mti, answer.text(39)]).toEqual(['1430', '400']);
  expect((await terminal.ask({ ...reversal, mti: '1421' })).text(39)).toBe('400');
  await until(async () => (await rowOf(sale.fields[11], 'CT5100-0001')).state === 'reversed');
  expect(house.ledger.takenMinor).toBe(before);
  terminal.close();
});

test('a reversal that comes before its original is kept, and the original is not sent', async () => {
  const terminal = await house.terminal('CT5100-0001');
  const before = house.ledger.takenMinor;
  const sale = terminal.sale('visa-contact', 4100);
  expect((await terminal.ask(terminal.reversal(sale))).text(39)).toBe('400');
  expect((await terminal.ask(sale)).text(39)).toBe('902');
  expect(house.ledger.takenMinor).toBe(before);
  terminal.close();
});

test('a card that nobody issued is 908, and is not sent', async () => {
  const terminal = await house.terminal('CT5100-0001');
  const stranger = terminal.sale('visa-contact', 100);
  const decoded = terminalCodec.decode(
    Buffer.from(
      Buffer.from(unwrap(terminalCodec.encode(stranger)))
        .toString('hex')
        .replace('4761739001010010', '9999999999999995'),
      'hex',
    ),
  );
  if (!decoded.ok) throw new Error(decoded.fault.code);
  expect((await terminal.ask({ mti: '1200', fields: decoded.value.fields })).text(39)).toBe('908');
  terminal.close();
});

test('a message that is no ISO 8583 is refused by number; one with a bad element gets 904 and its number', async () => {
  const terminal = await house.terminal('CT5100-0001');
  terminal.socket.write(terminal.frame(Uint8Array.of(1, 2, 3)));
  expect((await terminal.refusal()).code).toBe('ACQUIRING_MESSAGE_INVALID');
  const sale = terminal.sale('visa-contact', 100);
  const answer = await terminal.ask({ ...sale, fields: { ...sale.fields, 41: 'T0000000' } });
  expect([answer.text(39), answer.text(44)]).toEqual(['904', 'DE41']);
  const bytes = Buffer.from(unwrap(terminalCodec.encode(sale)));
  bytes[bytes.indexOf(Buffer.from('000000000100', 'hex'))] = 0xaf;
  expect((await terminal.ask(Uint8Array.from(bytes))).text(39)).toBe('904');
  expect((await terminal.ask(terminal.sale('visa-contact', 110))).text(39)).toBe('000');
  terminal.close();
});

test('a KSN of nobody, of another terminal, used before, or with a wrong MAC is refused, and an alarm where it should be', async () => {
  const terminal = await house.terminal('CT5100-0001');
  const sale = terminal.sale('visa-contact', 100);
  terminal.socket.write(terminal.frame(sale, terminal.ksn(1, 'NOBODY-0001')));
  expect((await terminal.refusal()).code).toBe('ACQUIRING_KSN_UNKNOWN');
  terminal.socket.write(terminal.frame(sale, terminal.ksn(1, 'CATS220-0001')));
  expect((await terminal.refusal()).code).toBe('ACQUIRING_KSN_UNKNOWN');
  const ksn = terminal.ksn();
  const tampered = terminal.frame(sale, ksn);
  tampered[40] = (tampered[40] ?? 0) ^ 1;
  terminal.socket.write(tampered);
  expect((await terminal.refusal()).code).toBe('ACQUIRING_FRAME_NOT_AUTHENTIC');
  const genuine = terminal.frame(sale, ksn);
  terminal.socket.write(genuine);
  expect((await terminal.answer()).text(39)).toBe('000');
  terminal.socket.write(genuine);
  expect((await terminal.refusal()).code).toBe('ACQUIRING_KSN_REUSED');
  expect(house.alarms.at(-1)?.fault.code).toBe('ACQUIRING_KSN_REUSED');
  expect((await terminal.ask(terminal.sale('visa-contact', 120))).text(39)).toBe('000');
  terminal.close();
});

test('garbage and oversized frames are refused and closed, and neighbours go on', async () => {
  const garbage = await house.terminal('CT5100-0001');
  garbage.socket.write(Buffer.concat([Buffer.from([0, 60]), Buffer.alloc(60, 0x5a)]));
  expect((await garbage.refusal()).code).toBe('ACQUIRING_FRAME_INVALID');
  const oversized = await house.terminal('CT5100-0001');
  oversized.socket.write(Buffer.from([0xff, 0xff, 1]));
  expect((await oversized.refusal()).code).toBe('ACQUIRING_FRAME_TOO_LONG');
  await until(() => garbage.isClosed && oversized.isClosed);
  await neighbourSells();
});

test('a half-sent frame is cut off after its deadline, and neighbours go on meanwhile', async () => {
  const half = await house.terminal('CT5100-0001');
  const frame = half.frame(half.sale('visa-contact', 100));
  half.socket.write(frame.subarray(0, 50));
  await neighbourSells();
  expect((await half.refusal()).code).toBe('ACQUIRING_FRAME_INCOMPLETE');
  await until(() => half.isClosed);
  expect(house.logs.some((line) => line.includes('ACQUIRING_FRAME_INCOMPLETE'))).toBe(true);
});

test('without a certificate, or without TLS, nobody comes in', async () => {
  const bare = connectTls({ host: '127.0.0.1', port: house.sw.port, rejectUnauthorized: false });
  bare.on('error', () => undefined).on('secureConnect', () => bare.write('hello'));
  await new Promise((resolve) => bare.once('close', resolve));
  await until(() => house.logs.some((line) => line.includes('CLIENT_CERTIFICATE_MISSING')));
  const plain = connectTcp(house.sw.port, '127.0.0.1', () => plain.write('GET / HTTP/1.1\r\n\r\n'));
  plain.on('error', () => undefined);
  await new Promise((resolve) => plain.once('close', resolve));
  await until(() => house.logs.some((line) => line.includes('TLS_HANDSHAKE_FAILED')));
  await neighbourSells();
});

test('with the card company away a sale is 912 at once; when it is back, sales and its books go on', async () => {
  const terminal = await house.terminal('CT5100-0001');
  const before = house.ledger.takenMinor;
  await house.stopCardCompany();
  await until(() => house.sw.links()[0]?.state === 'down');
  expect((await terminal.ask(terminal.sale('visa-contact', 100))).text(39)).toBe('912');
  await house.startCardCompany();
  expect(house.ledger.takenMinor).toBe(before);
  await until(() => house.sw.links()[0]?.state === 'signed-on');
  expect((await terminal.ask(terminal.sale('visa-contact', 130))).text(39)).toBe('000');
  terminal.close();
});

test('a crash between intent and answer: the next start answers 911 on file, and reverses', async () => {
  const terminal = await house.terminal('CT5100-0001');
  const sale = terminal.sale('visa-silent', 3300);
  terminal.socket.write(terminal.frame(sale));
  await until(async () => {
    const row = await house.store.db
      .selectFrom('switch_sales')
      .select('state')
      .where('amount_minor', '=', 3300)
      .executeTakeFirst();
    return row?.state === 'send-intended';
  });
  const second = await afterPowerCut(house);
  try {
    const row = () =>
      second.store.db.selectFrom('switch_sales').selectAll().where('amount_minor', '=', 3300).executeTakeFirstOrThrow();
    await until(async () => (await row()).state === 'reversed');
    expect(await row()).toMatchObject({ action_code: '911', reason: 'SWITCH_OUTCOME_UNKNOWN' });
    const again = await second.terminal('CT5100-0001');
    again.socket.write(again.frame({ ...sale, mti: '1201' }, again.ksn(0x20000000)));
    expect((await again.answer()).text(39)).toBe('911');
    again.close();
  } finally {
    await second.close();
  }
  expect((await terminal.answer()).text(39)).toBe('911');
  terminal.close();
});

test('no card number is on disk or in a log, in text, packed or in hexadecimal', async () => {
  const everything = await house.everything();
  expect(everything.includes('visa-contact')).toBe(true);
  for (const { name } of testCards()) {
    const digits = testCard(name).pan.use((bytes) => Buffer.from(bytes).toString('latin1'));
    const even = digits.length % 2 === 0 ? digits : `0${digits}`;
    for (const form of [
      Buffer.from(digits),
      Buffer.from(even, 'hex'),
      Buffer.from(Buffer.from(digits).toString('hex')),
    ])
      expect([name, everything.includes(form)]).toEqual([name, false]);
  }
});
