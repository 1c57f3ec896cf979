import { Gate, gateLimits, ticketKeys, ticketLifeMs } from '@tsunagu/fleet-server/broker/index';
import { describe, expect, it } from 'vitest';

describe('the gate of the broker', () => {
  const limits = {
    ...gateLimits,
    connectionsMax: 5,
    connectionsPerAddressMax: 3,
    halfOpenMin: 4,
    halfOpenMax: 4,
    halfOpenPerAddressMax: 2,
    connectsPerSecond: 10,
    connectsBurst: 20,
  };
  const why = (entered: ReturnType<Gate['enter']>): unknown =>
    entered.ok ? undefined : [entered.fault.code, entered.fault.facts?.['limit']];

  it('counts connections and handshakes, of all and of one address', () => {
    const gate = new Gate(limits, { monotonicMs: () => 0 });
    const enter = (address: string) => gate.enter(address);
    const [first, second] = [enter('a'), enter('a')];
    expect(why(enter('a'))).toEqual(['CONNECTION_LIMIT', 'addressHalfOpen']);
    if (first.ok) first.value.opened();
    const third = enter('a');
    if (second.ok) second.value.opened();
    if (third.ok) third.value.opened();
    expect(why(enter('a'))).toEqual(['CONNECTION_LIMIT', 'address']);
    enter('b');
    const fifth = enter('b');
    expect(why(enter('c'))).toEqual(['CONNECTION_LIMIT', 'connections']);
    if (fifth.ok) {
      fifth.value.ended();
      fifth.value.ended();
    }
    if (third.ok) third.value.ended();
    expect(gate.halfOpen).toBe(1);
    expect([enter('c'), enter('d')].map((entered) => entered.ok)).toEqual([true, true]);
  });

  it('lets a burst in, and then so many a second', () => {
    let now = 0;
    const gate = new Gate(
      {
        ...limits,
        connectionsMax: 1_000,
        connectionsPerAddressMax: 1_000,
        halfOpenMin: 1_000,
        halfOpenMax: 1_000,
        halfOpenPerAddressMax: 1_000,
      },
      { monotonicMs: () => now },
    );
    const entering = (): number => {
      let count = 0;
      while (gate.enter('a').ok) count += 1;
      return count;
    };
    expect(entering()).toBe(20);
    expect(why(gate.enter('a'))).toEqual(['CONNECTION_LIMIT', 'rate']);
    now = 1_000;
    expect(entering()).toBe(10);
    now = 100_000;
    expect(entering()).toBe(20);
  });
});

describe('the window of handshakes', () => {
  const wide = {
    ...gateLimits,
    connectsBurst: 1e9,
    connectionsMax: 1e9,
    connectionsPerAddressMax: 1e9,
    halfOpenPerAddressMax: 1e9,
  };

  /** As many at once as are let in, each with its CONNACK after so long. */
  function round(gate: Gate, clock: { now: number }, tookMs: number): number {
    const entries = [];
    for (let entered = gate.enter('a'); entered.ok; entered = gate.enter('a')) entries.push(entered.value);
    clock.now += tookMs;
    for (const entry of entries) entry.opened();
    return entries.length;
  }

  it('opens while connections get in soon, closes while they do not, and is not moved by silent ones', () => {
    const clock = { now: 0 };
    const gate = new Gate(wide, { monotonicMs: () => clock.now });
    expect(round(gate, clock, 200)).toBe(64);
    expect(round(gate, clock, 200)).toBe(128);
    for (let times = 0; times < 5; times++) round(gate, clock, 200);
    expect(round(gate, clock, 3_000)).toBe(512);
    expect(round(gate, clock, 200)).toBe(64);
    const silent = gate.enter('b');
    clock.now += 60_000;
    if (silent.ok) silent.value.ended();
    expect(round(gate, clock, 200)).toBe(128);
  });

  it('gives whoever waits for the effect of a message a place like one who knocks, and closes when effects come late', () => {
    const clock = { now: 0 };
    const gate = new Gate(wide, { monotonicMs: () => clock.now });
    const entries = Array.from({ length: 64 }, () => {
      const entered = gate.enter('a');
      if (!entered.ok) throw new Error('there is a place for 64');
      entered.value.opened();
      return entered.value;
    });
    // 128 places by now. Two messages of one connection take one.
    const effects = [...entries, ...entries].map((entry) => entry.heard());
    expect(round(gate, clock, 200)).toBe(64);
    const knocking = Array.from({ length: 128 }, () => gate.enter('b'));
    const refused = gate.enter('b');
    expect(refused.ok || refused.fault.facts?.['limit']).toBe('atWork');
    for (const entered of knocking) if (entered.ok) entered.value.ended();
    // A connection may end before its messages took effect.
    for (const entry of entries) entry.ended();
    clock.now += 3_000;
    for (const done of effects) done();
    expect(round(gate, clock, 200)).toBe(64);
  });
});

describe('the keys of session tickets', () => {
  it('are the same after a restart, and others in the next period', () => {
    let now = 5;
    const clock = { now: () => now, monotonicMs: () => 0 };
    const keys = () => ticketKeys(new Uint8Array(32).fill(7), { clock });
    const first = keys().current();
    expect(first).toHaveLength(48);
    expect(keys().current()).toEqual(first);
    now += keys().remainingMs();
    expect(keys().current()).not.toEqual(first);
    expect(keys().remainingMs()).toBe(ticketLifeMs);
  });
});
