import { expect, test } from 'vitest';
import { openSwitchHouse, Program } from './switch-programs.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Whatever befalls switch and lines, an oracle that sees the messages of both sides alone finds the money right. */
test.each([
  ['a line that is good', 'card-company', 31_100],
  ['a line that is bad', 'flaky', 31_200],
])(
  'killed three times and stopped once under load, over %s, the money is the same on both sides',
  async (_, profile, portBase) => {
    const house = await openSwitchHouse(portBase);
    const oracle = new Program('oracle', []);
    const tap = ['--tap', String((await oracle.line('ready'))['port'])];
    const issuer = new Program('issuer', [...house.common, '--profile', profile, '--seed', '7', ...tap]);
    await issuer.line('ready');
    const centre = new Program('centre', [
      ...house.common,
      '--link',
      'pos-centre-1',
      '--profile',
      'ticket-window',
      '--rate',
      '40',
      '--requests',
      '1000',
      '--seed',
      '11',
      ...tap,
    ]);
    try {
      await centre.line('ready');
      for (let round = 0; round < 3; round += 1) {
        await pause(3_000);
        await house.server.kill();
        await house.restart();
      }
      await pause(2_000);
      house.server.signal('SIGSTOP');
      await pause(7_000);
      house.server.signal('SIGCONT');
      const counts = await centre.line('ended');
      expect(counts).toMatchObject({ asked: 1_000, reversing: 0 });
      // What the switch still owes the issuer: reversals of what nobody knew the end of, every few seconds until they are taken.
      let verdict: Record<string, unknown> = {};
      for (let look = 0; look < 60; look += 1) {
        oracle.say('');
        verdict = await oracle.line('verdict');
        if (verdict['violated'] === 0) break;
        await pause(2_000);
      }
      console.log(JSON.stringify({ counts, verdict }));
      expect(verdict['violations']).toEqual([]);
      expect(verdict['acquirer']).toMatchObject({ asked: 1_000 });
    } finally {
      for (const program of [centre, issuer, oracle]) await program.kill();
      await house.close();
    }
  },
  300_000,
);
