import { hex, Secret, toHex } from '@tsunagu/protocols/kit';
import { type TestCardName, testCard } from '@tsunagu/protocols/test-cards';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSmallHouse, type SmallHouse, type Terminal, until } from './small-house.ts';

let house: SmallHouse;
let terminal: Terminal;
beforeAll(async () => {
  house = await openSmallHouse();
  terminal = await house.terminal('CT5100-0001');
});
afterAll(async () => {
  terminal.close();
  await house.close();
});

/** A sale with a PIN for the issuer, as a terminal sends it. */
async function sell(card: TestCardName, pin: string, more: { readonly [element: number]: string } = {}) {
  const ksn = terminal.ksn();
  const plain = terminal.sale(card, 700);
  const sale = terminal.withPin({ mti: plain.mti, fields: { ...plain.fields, ...more } }, pin, ksn);
  terminal.socket.write(terminal.frame(sale, ksn));
  const answer = await terminal.answer();
  return { sale, actionCode: answer.text(39), answer };
}
const blockOf = (value: unknown): Uint8Array =>
  value instanceof Secret ? value.use((bytes) => Uint8Array.from(bytes)) : new Uint8Array(0);

test('a PIN reaches the card company under the key of its link, and is judged there', async () => {
  const right = await sell('visa-contact', '1234');
  expect(right.actionCode).toBe('000');
  expect(blockOf(right.sale.fields[52])).toHaveLength(16);
  expect((await sell('visa-contact', '1235')).actionCode).toBe('117');
  // A right one begins the count anew.
  expect((await sell('visa-contact', '9999')).actionCode).toBe('117');
  expect((await sell('visa-contact', '1234')).actionCode).toBe('000');
  expect(house.ledger.pinTriesUsed('visa-contact')).toBe(0);
});

test('after three wrong ones even the right PIN is refused with 106, across a restart of the card company', async () => {
  for (const wrong of ['0000', '1111', '2222']) expect((await sell('visa-dda', wrong)).actionCode).toBe('117');
  expect((await sell('visa-dda', '1234')).actionCode).toBe('106');
  await house.stopCardCompany();
  await until(() => house.sw.links()[0]?.state === 'down');
  await house.startCardCompany();
  await until(() => house.sw.links()[0]?.state === 'signed-on');
  expect((await sell('visa-dda', '1234')).actionCode).toBe('106');
  // Another account is none the worse for it.
  expect((await sell('visa-cda', '1234')).actionCode).toBe('000');
});

test('a block that cannot be read is 126 by the switch: another card, another key, garbage', async () => {
  const before = house.ledger.pinTriesUsed('jcb-contact');
  const plain = terminal.sale('jcb-contact', 700);
  const ksn = terminal.ksn();
  const other = terminal.ksn();
  const blocks = [
    terminal.withPin(plain, '1234', ksn, testCard('visa-contact').pan).fields[52],
    terminal.withPin(plain, '1234', other).fields[52],
    Secret.take('pin', hex('00'.repeat(16))),
  ];
  for (const [index, block] of blocks.entries()) {
    const sale = terminal.sale('jcb-contact', 700 + index);
    if (block === undefined) throw new Error('a block');
    terminal.socket.write(
      terminal.frame({ mti: sale.mti, fields: { ...sale.fields, 52: block } }, index === 0 ? ksn : terminal.ksn()),
    );
    expect((await terminal.answer()).text(39), `block ${index}`).toBe('126');
  }
  expect(house.ledger.pinTriesUsed('jcb-contact')).toBe(before);
});

test('a repeat has its PIN under another key and is still the same request', async () => {
  const { sale, answer } = await sell('visa-contact', '1234');
  const ksn = terminal.ksn();
  const repeat = terminal.withPin({ mti: '1201', fields: sale.fields }, '1234', ksn);
  terminal.socket.write(terminal.frame(repeat, ksn));
  const again = await terminal.answer();
  expect([again.text(39), again.text(38)]).toEqual([answer.text(39), answer.text(38)]);
});

test('no block is kept anywhere, and no PIN is in a log', async () => {
  const { sale } = await sell('unionpay-contact', '739418');
  const everything = await house.everything();
  const block = blockOf(sale.fields[52]);
  for (const trace of [Buffer.from(block), Buffer.from(toHex(block)), Buffer.from(block).toString('base64'), '739418'])
    expect(everything.includes(trace)).toBe(false);
});

test('a terminal that can do TDES only sells under it: message, MAC, a PIN of format 0, and its counters', async () => {
  const old = await house.terminal('CATS220-0002');
  const sellAt = async (counter: number, pin: string) => {
    const ksn = old.ksn(counter);
    const sale = old.withPin(old.sale('visa-contact', 800), pin, ksn);
    expect(blockOf(sale.fields[52])).toHaveLength(8);
    const frame = old.frame(sale, ksn);
    expect([frame[2], frame.length - 14 - 8]).toEqual([2, expect.any(Number)]);
    old.socket.write(frame);
    return await old.answer();
  };
  expect((await sellAt(1, '1234')).text(39)).toBe('000');
  expect((await sellAt(2, '1235')).text(39)).toBe('117');
  // Twelve one-bits: a counter that no terminal may use. Then one that was used.
  for (const [counter, code] of [
    [0xfff, 'ACQUIRING_KSN_INVALID'],
    [2, 'ACQUIRING_KSN_REUSED'],
  ] as const) {
    const again = await house.terminal('CATS220-0002');
    again.socket.write(frameAt(again, counter));
    expect((await again.refusal()).code).toBe(code);
    again.close();
  }
  const text = (await house.everything()).toString('latin1');
  for (const pin of ['041234', '041235']) expect(text).not.toContain(pin);
  old.close();
});
const frameAt = (of: Terminal, counter: number): Uint8Array => {
  // Keys of a counter that is out of bounds cannot be derived: any do, it is refused before.
  const frame = of.frame(of.sale('visa-contact', 810), of.ksn(3));
  frame.set(of.ksn(counter), 4);
  return frame;
};

test('UnionPay: a PIN without a signature beside it is 112, DE63 that DE22 contradicts 904; with both the issuer judges the PIN', async () => {
  // Position 8 of DE22: a PIN.
  const typed = { 22: '510101513144' };
  expect((await sell('unionpay-contact', '482915', typed)).actionCode).toBe('112');
  expect((await sell('unionpay-contact', '482915', { ...typed, 63: 'CV51' })).actionCode).toBe('904');
  expect((await sell('unionpay-contact', '482915', { ...typed, 63: 'CV15' })).actionCode).toBe('000');
  expect((await sell('unionpay-contact', '482916', { ...typed, 63: 'CV15' })).actionCode).toBe('117');
});
