import { issuerLink } from '@tsunagu/protocols/acquiring';
import { secretPan, unwrap } from '@tsunagu/protocols/kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSmallHouse, type SmallHouse } from './small-house.ts';

let house: SmallHouse;
beforeAll(async () => {
  house = await openSmallHouse();
});
afterAll(() => house.close());

const number = '5413330089010483';
const pan = () => secretPan(number);
const ask = async (action: Parameters<SmallHouse['askFileAction']>[0]) => unwrap(await house.askFileAction(action));

test('a card company lists a card over its link, looks it up, and takes it off; as a source of its own', async () => {
  expect(await ask({ function: 'inquire', pan: pan() })).toMatchObject({ actionCode: '302' });
  expect(await ask({ function: 'add', pan: pan(), reason: 'stolen' })).toMatchObject({ actionCode: '300' });
  expect(house.negative.state).toMatchObject({ overlaySeq: 1 });
  expect(await house.negative.explain(pan())).toMatchObject({
    entries: [{ source: issuerLink.id, reason: 'stolen' }],
    changes: [{ by: `link/${issuerLink.id}` }],
  });
  expect(await ask({ function: 'inquire', pan: pan() })).toMatchObject({ actionCode: '300' });
  expect(await ask({ function: 'add', pan: pan() })).toMatchObject({ actionCode: '308' });
  // Another source lists it as well: it stays when the card company takes it off.
  unwrap(await house.negative.add(pan(), 'fraud', { subject: 'somebody' }, 'brand-b'));
  // Its own record is gone, which is what the code says; what terminals do stands beside it.
  expect(await ask({ function: 'delete', pan: pan() })).toMatchObject({ actionCode: '300', record: 'STILL REFUSED' });
  expect(await ask({ function: 'inquire', pan: pan() })).toMatchObject({ actionCode: '302' });
  expect(await house.negative.isListed(pan())).toBe(true);
  expect(await ask({ function: 'delete', pan: pan() })).toMatchObject({ actionCode: '302' });
});

test('a deletion that waits for its second signature is answered as done, and says that the card is refused still', async () => {
  const [kept, gone] = ['4111111111111111', '4012888888881881'];
  for (const one of [kept, gone]) unwrap(await house.negative.add(secretPan(one), 'lost', { subject: 'somebody' }));
  expect(await ask({ function: 'add', pan: secretPan('4222222222222220') })).toMatchObject({ actionCode: '300' });
  unwrap(await house.negative.publishVersion());
  const waits = await ask({ function: 'delete', pan: secretPan('4222222222222220') });
  expect(waits).toMatchObject({ actionCode: '300', record: 'STILL REFUSED' });
  const explain = () => house.negative.explain(secretPan('4222222222222220'));
  expect(await explain()).toMatchObject({ listed: false, atTerminals: 'listed' });
  // An emergency entry that comes off meanwhile is off: no list has it.
  unwrap(await house.negative.add(secretPan('4000056655665556'), 'lost', { subject: 'somebody' }));
  expect(await house.negative.explain(secretPan('4000056655665556'))).toMatchObject({ atTerminals: 'listed' });
  const taken = unwrap(await house.negative.remove(secretPan('4000056655665556'), 'manual', { subject: 'somebody' }));
  expect(taken).toMatchObject({ published: true, needsSecondSignature: true });
  expect(await house.negative.explain(secretPan('4000056655665556'))).toMatchObject({ atTerminals: 'clear' });
  // A line is nobody's second hand, and a person apart from it is.
  unwrap(await house.negative.publishVersion({ subject: 'second' }));
  expect(await explain()).toMatchObject({ listed: false, atTerminals: 'clear' });
  expect(await ask({ function: 'delete', pan: secretPan('4222222222222220'), repeats: waits })).not.toHaveProperty(
    'record',
  );
  for (const one of [kept, gone])
    unwrap(await house.negative.remove(secretPan(one), 'manual', { subject: 'somebody' }));
  unwrap(await house.negative.publishVersion({ subject: 'second' }));
});

test('a repeat is answered as its first sending was, and changes nothing', async () => {
  const other = () => secretPan('3566002020360505');
  const first = await ask({ function: 'add', pan: other(), reason: 'lost' });
  const before = house.negative.state;
  expect(await ask({ function: 'add', pan: other(), reason: 'lost', repeats: first })).toEqual(first);
  expect(house.negative.state).toEqual(before);
  const taken = await ask({ function: 'delete', pan: other() });
  expect(await ask({ function: 'delete', pan: other(), repeats: taken })).toEqual(taken);
});

test('what cannot be done is said by its code, and a sale beside it goes on', async () => {
  expect(await ask({ function: 'add', pan: secretPan('5413330089010484') })).toMatchObject({ actionCode: '304' });
  expect(await ask({ function: 'add', pan: pan(), reason: 'no such reason' })).toMatchObject({ actionCode: '307' });
  const terminal = await house.terminal('CT5100-0001');
  terminal.socket.write(terminal.frame(terminal.sale('visa-contact', 700)));
  expect((await terminal.answer()).text(39)).toBe('000');
  terminal.close();
});

test('no number is left in files or logs', async () => {
  const all = await house.everything();
  for (const digits of [number, '3566002020360505']) expect(all.includes(digits)).toBe(false);
});
