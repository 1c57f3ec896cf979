import { isSameDevice, lineageOf } from '@tsunagu/fleet-server/broker/lineage';
import { expect, test } from 'vitest';

const before = { boot: 4, seq: 7 };

test.each([
  ['a later message of the same boot', { boot: 4, seq: 8 }, true],
  ['the next boot', { boot: 5, seq: 1 }, true],
  // A disk that was copied, and booted once in each of two devices.
  ['the same message of the same boot', { boot: 4, seq: 7 }, false],
  ['an earlier message', { boot: 4, seq: 6 }, false],
  ['an earlier boot', { boot: 3, seq: 900 }, false],
  ['no will of ours', undefined, false],
])('a connection with %s goes on from the one before it, or does not', (_, now, isSame) => {
  expect(isSameDevice(before, now)).toBe(isSame);
});

test('a connection before which nothing is known is not believed to be another’s', () => {
  expect(isSameDevice(undefined, before)).toBe(false);
});

const said = (more: object) =>
  JSON.stringify({ v: 1, id: 'w', iat: 1, boot: 4, seq: 7, ct: 'presence', body: {}, ...more });

test('a will of ours tells the boot and the message that it counts', () => {
  expect(lineageOf({ payload: said({}) })).toEqual(before);
  expect(lineageOf({ payload: Buffer.from(said({ boot: 0 })) })).toEqual({ boot: 0, seq: 7 });
});

test.each([
  ['there is none', undefined],
  ['it is empty', { payload: '' }],
  ['it is no JSON', { payload: '{"boot":4,' }],
  ['it is no object', { payload: 'null' }],
  ['it has no count', { payload: said({ seq: undefined }) }],
  ['a count is text', { payload: said({ boot: '4' }) }],
  ['a count is negative', { payload: said({ seq: -1 }) }],
  ['a count is a fraction', { payload: said({ seq: 0.5 }) }],
  ['a count is beyond what is counted exactly', { payload: said({}).replace('"boot":4', '"boot":1e400') }],
  ['it is longer than any message', { payload: said({ body: 'x'.repeat(70_000) }) }],
])('a will tells nothing when %s', (_, will) => {
  expect(lineageOf(will)).toBeUndefined();
});
