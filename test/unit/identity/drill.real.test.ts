import { describe, expect, it } from 'vitest';
import { announcedExactly, liveThrough } from './drill.ts';

describe('the drill of the H5000, whole', () => {
  it('five years with three rhythms, through rotations of issuing CAs and of the root: nobody is lost, nobody is alarmed', async () => {
    const { authorities, trust, behind, servers } = await liveThrough(5 * 365);
    const of = (kind: string) => authorities.filter((one) => one.kind === kind);
    expect(of('root').length).toBeGreaterThanOrEqual(2);
    expect(of('root').some(({ state }) => state === 'retired')).toBe(true);
    expect(of('issuing').filter(({ state }) => state === 'retired').length).toBeGreaterThanOrEqual(2);
    expect(servers).toBeGreaterThanOrEqual(3);
    expect(trust.version).toBeGreaterThanOrEqual(3);
    expect(behind).toBe(0);
  }, 240_000);

  it.each([[1], [7]])(
    'a rotation that is forgotten is announced long before, and the announced day is exact: every %i days',
    announcedExactly,
    240_000,
  );
});
