import { openLiveHub } from '@tsunagu/fleet-server/live/index';
import { expect, test } from 'vitest';

test('a hub knows whether it is heard, and tells when somebody begins to listen', () => {
  const hub = openLiveHub();
  let begun = 0;
  hub.whenHeard(() => {
    begun += 1;
    // What is made for the newcomer comes to it.
    expect(hub.isHeard).toBe(true);
    hub.publish({ name: 'resync', data: {} });
  });
  expect(hub.isHeard).toBe(false);
  const heard: number[] = [];
  const first = hub.listen(({ id }) => heard.push(id));
  const second = hub.listen(() => undefined);
  expect([begun, heard]).toEqual([2, [1, 2]]);
  first();
  expect(hub.isHeard).toBe(true);
  second();
  expect(hub.isHeard).toBe(false);
});
