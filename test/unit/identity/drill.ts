import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { horizonPolicy } from '@tsunagu/fleet-server/expiry/index';
import { certificatesOf, expiryEntry } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { expect } from 'vitest';
import { chainHolds, dayMs, openVirtualHouse, type VirtualHouse, type VirtualTerminal } from './virtual-house.ts';

const start = Date.UTC(2027, 0, 1);

/** When a terminal comes: every `everyMs`, from a first moment on. */
interface Comer {
  readonly terminal: VirtualTerminal;
  readonly firstAt: number;
  readonly everyMs: number;
}

/** Whether OpenSSL, which knows nothing of us, takes chains at a moment, every one. */
function opensslTakes(chains: readonly string[], anchors: readonly string[], at: number): boolean {
  const place = mkdtempSync(join(tmpdir(), 'tsunagu-chain-'));
  const leaves = chains.map((chain, index) => {
    writeFileSync(join(place, `leaf${index}.pem`), certificatesOf(chain)[0] ?? '');
    return `leaf${index}.pem`;
  });
  writeFileSync(join(place, 'above.pem'), chains.flatMap((chain) => certificatesOf(chain).slice(1)).join(''));
  writeFileSync(join(place, 'anchors.pem'), anchors.join(''));
  const args = [
    'verify',
    '-attime',
    String(Math.floor(at / 1_000)),
    '-CAfile',
    'anchors.pem',
    '-untrusted',
    'above.pem',
  ];
  try {
    execFileSync('openssl', [...args, ...leaves], { cwd: place, stdio: 'pipe' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** Moves the clock a day at a time: what is due on it happens, in order. */
async function live(
  house: VirtualHouse,
  comers: readonly Comer[],
  days: number,
  each: {
    readonly upkeep?: () => Promise<unknown>;
    readonly failed: (comer: Comer, why: string) => void;
    readonly daily?: () => Promise<void>;
    readonly lineMs?: number;
  },
): Promise<void> {
  const arriving: { readonly at: number; arrive(): Promise<void> }[] = [];
  const from = house.now;
  for (let day = 0; day < days; day++) {
    const [begin, end] = [from + day * dayMs, from + (day + 1) * dayMs];
    house.now = begin;
    await each.upkeep?.();
    const due = comers.flatMap((comer) => {
      const steps = Math.max(0, Math.ceil((begin - comer.firstAt) / comer.everyMs));
      const at = comer.firstAt + steps * comer.everyMs;
      return at < end ? [{ comer, at }] : [];
    });
    for (const { comer, at } of due.toSorted((a, b) => a.at - b.at)) {
      for (const answer of arriving.splice(0)) {
        if (answer.at > at) arriving.push(answer);
        else await answer.arrive();
      }
      house.now = at;
      const contact = await house.contact(comer.terminal);
      if (!contact.isAdmitted) each.failed(comer, contact.why ?? '');
      const { renewal } = contact;
      if (renewal?.ok) {
        if (each.lineMs === undefined) await renewal.value();
        else {
          const { terminal } = comer;
          const arrivesAt = at + each.lineMs;
          arriving.push({
            at: arrivesAt,
            // The line broke, and was tried again: with the certificate that the terminal has until the answer is there.
            async arrive() {
              const roots = house.authority.hierarchy.roots.map(({ pem }) => pem);
              if (chainHolds(terminal.chain, roots, arrivesAt)) await renewal.value();
            },
          });
        }
      }
    }
    house.now = end - 1;
    for (const answer of arriving.splice(0)) {
      if (answer.at > house.now) arriving.push(answer);
      else await answer.arrive();
    }
    await each.daily?.();
  }
}

/**
 * Lets a fleet of three rhythms live through so many days of rotations: nobody is lost, nobody is alarmed, and OpenSSL takes every chain.
 * @returns how the authorities stand at the end, and how many certificates the server has shown
 */
export async function liveThrough(days: number) {
  const house = await openVirtualHouse(start, { rootMs: 4 * 365 * dayMs, issuingMs: 2 * 365 * dayMs });
  const comers: Comer[] = [];
  for (const [name, everyDays, phase] of [
    ['DAILY', 1, 0.4],
    ['WEEKLY', 7, 2.3],
    ['WEEKLY2', 7, 6.1],
    ['MONTHLY', 30, 11.7],
    ['MONTHLY2', 31, 28.2],
  ] as const)
    comers.push({
      terminal: await house.enrol(`${name}-0001`),
      firstAt: start + phase * dayMs,
      everyMs: everyDays * dayMs,
    });
  const failures: string[] = [];
  const servers = new Set<string>();
  let day = 0;
  await live(house, comers, days, {
    // A house looks after itself every hour; here it gets to it once a week.
    upkeep: () => (day % 7 === 0 ? house.ceremonies.maintain() : Promise.resolve()),
    failed: ({ terminal }, why) => failures.push(`${terminal.serial} ${why}`),
    daily: async () => {
      day += 1;
      if (day % 7 === 0) await house.expiry.refresh();
      if (day % 180 !== 0) return;
      const chain = await house.serverChain();
      servers.add(chain);
      const roots = house.authority.hierarchy.roots.map(({ pem }) => pem);
      const trusted = new Map(comers.map(({ terminal: { trust } }) => [trust.anchors.join(''), trust.anchors]));
      for (const anchors of trusted.values()) expect(opensslTakes([chain], anchors, house.now)).toBe(true);
      const chains = comers.map(({ terminal }) => terminal.chain);
      expect(opensslTakes(chains, roots, house.now)).toBe(true);
    },
  });
  expect(failures).toEqual([]);
  expect(house.alarms).toEqual([]);
  const overview = await house.ceremonies.overview();
  await house.close();
  return { ...overview, servers: servers.size };
}

/** A house whose issuing CA nobody rotates, and a terminal that comes at the worst moments: a minute after the last safe one, and so on back. */
async function forgotten(everyDays: number, repairAt: number | undefined) {
  const lives = { rootMs: 3_650 * dayMs, issuingMs: 270 * dayMs, terminalMs: 120 * dayMs, leafMs: 120 * dayMs };
  const house = await openVirtualHouse(start, lives);
  const terminal = await house.enrol('WORST-0001');
  const end = house.authority.hierarchy.issuing[0]?.notAfter ?? 0;
  const everyMs = everyDays * dayMs;
  const worst = end - horizonPolicy.renewalMs - everyMs + 60_000;
  const firstAt = worst - Math.floor((worst - start) / everyMs) * everyMs;
  const lostAt: number[] = [];
  let isRepaired = false;
  let announced: { at: number; lastDay: string; ends: unknown } | undefined;
  await live(house, [{ terminal, firstAt, everyMs }], 302, {
    lineMs: horizonPolicy.renewalMs,
    failed: () => lostAt.push(house.now),
    daily: async () => {
      // The last minute of the day.
      if (!isRepaired && repairAt !== undefined && house.now >= repairAt) {
        unwrap(await house.ceremonies.rotate('issuing', { subject: 'test' }));
        isRepaired = true;
      }
      // Where it was repaired, nothing but the losses is asked for.
      if (repairAt !== undefined) return;
      await house.expiry.refresh();
      const alarm = house.alarms.find(({ facts }) => facts['ends'] === 'issuing-authority');
      if (alarm && !announced)
        announced = { at: alarm.at, lastDay: String(alarm.facts['lastDay']), ends: alarm.facts['ends'] };
    },
  });
  await house.expiry.refresh();
  const entry = unwrap(await house.expiry.list({ limit: 10 })).items[0];
  await house.close();
  return { end, lostAt, announced, entry: entry && expiryEntry.parse(entry) };
}

/** A rotation that is forgotten is announced long before, and the announced day is exact. */
export async function announcedExactly(everyDays: number): Promise<void> {
  const left = await forgotten(everyDays, undefined);
  // Lost from the very moment on that the horizon names, and not before.
  expect(left.lostAt[0]).toBeGreaterThan(left.end);
  expect((left.lostAt[0] ?? 0) - left.end).toBeLessThanOrEqual(everyDays * dayMs);
  expect(left.entry).toMatchObject({ first: 'issuing-authority', level: 'passed' });
  expect(left.entry && Date.parse(left.entry.endsAt)).toBe(left.end);
  const { announced } = left;
  if (!announced) throw new Error('nobody was told');
  const cause = left.entry?.reasons.find(({ kind }) => kind === 'issuing-authority');
  const lastDayEnd = Date.parse(cause?.lastDay ?? '') + dayMs - 1;
  // Told when its rhythm was not known yet, the day was not a later one.
  expect(Date.parse(announced.lastDay)).toBeLessThanOrEqual(Date.parse(cause?.lastDay ?? ''));
  expect(lastDayEnd - announced.at).toBeGreaterThan(90 * dayMs);
  expect(left.end - lastDayEnd).toBeGreaterThanOrEqual((everyDays + 1) * dayMs);
  expect(left.end - lastDayEnd).toBeLessThan((everyDays + 2) * dayMs);
  // Repaired at the end of the announced day it is saved; a day later it is not.
  expect((await forgotten(everyDays, lastDayEnd)).lostAt).toEqual([]);
  expect((await forgotten(everyDays, lastDayEnd + dayMs)).lostAt).not.toEqual([]);
}
