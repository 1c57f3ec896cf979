import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { switchSchema } from '@tsunagu/fleet-server/switch/schema';
import { LedgerOracle, type Verdict } from '@tsunagu/fleet-server/ledger-oracle/oracle';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { openSwitchRules } from '@tsunagu/fleet-server/switch/rules/rules';
import { openFileVault, type Vault } from '@tsunagu/fleet-server/vault/index';
import { answerTo, cardCompanyLink, type Link } from '@tsunagu/protocols/acquiring';
import { responseMti } from '@tsunagu/protocols/iso8583';
import { toHex, unwrap } from '@tsunagu/protocols/kit';
import type { LogFacts, LogLevel } from '@tsunagu/protocols/world';
import { chanceOf } from '../random.ts';
import { Scheduler } from '../scheduler.ts';
import { SimulatedWorld } from '../world.ts';
import { ByHand, type Untrue } from './by-hand.ts';
import { Disk, type DiskBugs } from './disk.ts';
import { SimulatedIssuer } from './issuer.ts';
import { BadLine, goodWeather, type Weather } from './line.ts';
import { type NodeBugs, SwitchNode } from './node.ts';
import { People } from './people.ts';
import { type Script, type Step, terminals, troubleMs } from './script.ts';
import { panDigits, SellingTerminal } from './terminal.ts';

/** Bugs that are put in on purpose. */
export interface Bugs {
  readonly disk?: DiskBugs;
  readonly node?: NodeBugs;
}

/** What the switch's own books say, by side: what is posted, and what an authorisation holds. */
export interface Books {
  readonly acquirerMinor: number;
  readonly issuerMinor: number;
}

/** What a run left behind. */
export interface Run {
  readonly script: Script;
  /** Of both sides' bytes. */
  readonly verdict: Verdict;
  readonly books: Books;
  /** What is not over although everything has worked for long. */
  readonly open: readonly string[];
  /** Whether a card number is on the trace. */
  readonly isCardShown: boolean;
  /** What people who looked at dead letters were told, and is not so. */
  readonly untrue: readonly Untrue[];
  /** How many advices they settled, and how often they could not, since it was under way. */
  readonly byHand: { readonly settled: number; readonly underWay: number };
  /** Amounts of charges that a person's void took back although they were spent. */
  readonly voidedBelowZero: readonly number[];
  readonly thrown: readonly string[];
  readonly trace: readonly string[];
  readonly hash: string;
  readonly boots: number;
  readonly statements: number;
  readonly endedMs: number;
}

/** When a run that has not become quiet is given up: longer than any pause between two attempts. */
const patienceMs = 30 * 60_000;

interface Shared {
  readonly vault: Vault;
  copy(): string;
}
let made: Promise<Shared> | undefined;
const shared = (): Promise<Shared> => (made ??= make());

/** An empty switch whose stand-in answers for small amounts, and a vault: made once, copied for each run. */
async function make(): Promise<Shared> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tsunagu-switch-simulation-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const nobody = (): undefined => undefined;
  const world = new SimulatedWorld(new Scheduler(), chanceOf(0, 'switch fixture'), () => 0, nobody);
  const vault = unwrap(await openFileVault(join(folder, 'vault.jsonl'), 'simulation', world));
  const template = join(folder, 'template.sqlite');
  const store = unwrap(await openStore(template, switchSchema, world.clock));
  const rules = await openSwitchRules(world, store, () => [cardCompanyLink.id]);
  const standIn = {
    link: cardCompanyLink.id,
    saleMaxMinor: 1_500,
    cardDay: { minor: 6_000, count: 5 },
    issuerDayMinor: 100_000,
  };
  unwrap(await rules.change('stand-in', 1, { issuers: [standIn] }, 'simulation', 'simulation'));
  await store.close();
  let copies = 0;
  return {
    vault,
    copy() {
      copies += 1;
      const path = join(folder, `run-${copies}.sqlite`);
      copyFileSync(template, path);
      return path;
    },
  };
}

/** Runs a script to its end: the troubles, then a world in which everything works, until nothing is left to do. */
export async function simulate(script: Script, bugs: Bugs = {}): Promise<Run> {
  return await new Simulation(script, await shared(), bugs).run();
}

class Simulation {
  readonly #script: Script;
  readonly #shared: Shared;
  readonly #bugs: Bugs;
  readonly #scheduler = new Scheduler();
  readonly #trace: string[] = [];
  readonly #thrown: string[] = [];
  readonly #oracle = new LedgerOracle();
  readonly #link: Link;
  readonly #issuer: SimulatedIssuer;
  readonly #byHand = new ByHand();
  readonly #people: People;
  readonly #issuerLine: BadLine;
  readonly #terminalLine: BadLine;
  readonly #terminals: readonly SellingTerminal[];
  readonly #disk: Disk;
  #isIssuerThere = true;
  #skewMs = 0;
  #boots = 0;
  /** The one that terminals reach is the last; others before it believe that they work. */
  #nodes: SwitchNode[] = [];
  #isStarting = false;

  constructor(script: Script, shared: Shared, bugs: Bugs) {
    const { seed } = script;
    const scheduler = this.#scheduler;
    this.#script = script;
    this.#shared = shared;
    this.#bugs = bugs;
    this.#link = linkOf(script);
    this.#issuer = new SimulatedIssuer(this.#link, chanceOf(seed, 'issuer'), this.#oracle);
    this.#issuerLine = new BadLine(scheduler, chanceOf(seed, 'issuer line'), 20_000);
    this.#terminalLine = new BadLine(scheduler, chanceOf(seed, 'terminal line'), 8_000);
    this.#disk = new Disk(scheduler, chanceOf(seed, 'disk'), shared.copy(), bugs.disk ?? {});
    this.#people = new People(
      scheduler,
      chanceOf(seed, 'people'),
      this.#disk,
      (of) => (of === 'oldest' ? this.#nodes[0] : this.#nodes.at(-1)),
      this.#byHand,
      (who, event) => this.#say(who, event),
    );
    this.#terminals = Array.from(
      { length: terminals },
      (_, index) =>
        new SellingTerminal(
          index,
          scheduler,
          (serial, ksn, bytes, heard) =>
            this.#terminalLine.carry(bytes, (arrived) => {
              const node = this.#nodes.at(-1);
              if (!node) return;
              node.handle(serial, ksn, arrived).then(
                (reply) => {
                  if (!reply || !node.world.isOn) return;
                  if ('refusal' in reply) this.#terminalLine.carry(new Uint8Array(1), () => heard(reply));
                  else this.#terminalLine.carry(reply.answer, (answer) => heard({ answer }));
                },
                (error: unknown) => this.#threw(error),
              );
            }),
          this.#oracle,
          (serial, event) => this.#say(serial, event),
        ),
    );
  }

  #say(who: string, what: string): void {
    this.#trace.push(`${this.#scheduler.nowMs} ${who} ${what}`);
  }

  #threw = (error: unknown): void => {
    this.#thrown.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  };

  async run(): Promise<Run> {
    process.on('unhandledRejection', this.#threw);
    try {
      await this.#boot();
      for (const step of this.#script.steps) this.#scheduler.after(step.at, () => this.#take(step));
      await this.#scheduler.run(troubleMs);
      this.#heal();
      let quiet = 0;
      let open: readonly string[] = [];
      // Quiet for longer than anything is late.
      for (let looked = 1; quiet < 3 && looked * 10_000 < patienceMs; looked += 1) {
        await this.#scheduler.run(troubleMs + looked * 10_000);
        open = await this.#open();
        quiet = open.length === 0 ? quiet + 1 : 0;
      }
      return await this.#harvest(open);
    } finally {
      process.off('unhandledRejection', this.#threw);
      for (const { world } of this.#nodes) world.isOn = false;
      await this.#disk.end();
      await this.#scheduler.settle();
    }
  }

  async #boot(): Promise<void> {
    this.#isStarting = true;
    this.#boots += 1;
    const name = `switch-${this.#boots}`;
    const world = new SimulatedWorld(
      this.#scheduler,
      chanceOf(this.#script.seed, name),
      () => this.#skewMs,
      (level, event, facts) => this.#log(name, level, event, facts),
    );
    const node = new SwitchNode(world, {
      disk: this.#disk,
      vault: this.#shared.vault,
      link: this.#link,
      line: this.#issuerLine,
      sent: (message) => this.#byHand.sent(message),
      signsOn: (inMs) => this.#people.signsOn(inMs),
      askIssuer: (bytes) => this.#issuer.take(bytes),
      isConnected: () => this.#isIssuerThere,
      bugs: this.#bugs.node ?? {},
    });
    this.#nodes.push(node);
    try {
      await node.start();
      this.#isStarting = false;
    } catch (error) {
      // It cannot start on a disk that fails: whoever looks after it tries again.
      this.#say(name, `did not start: ${error instanceof Error ? error.message : String(error)}`);
      world.isOn = false;
      this.#nodes = this.#nodes.filter((one) => one !== node);
      await this.#disk.release(world);
      this.#scheduler.after(1_000, () => void this.#boot().catch(this.#threw));
    }
  }

  #log(who: string, level: LogLevel, event: string, facts: LogFacts): void {
    const shown = Object.entries(facts).map(([key, value]) => `${key}=${textOf(value)}`);
    this.#say(who, `${level} ${event} ${shown.join(' ')}`.trimEnd());
  }

  /** Power fails for all nodes: they stand on one disk. */
  #cut(forMs: number): void {
    if (this.#nodes.length === 0) return;
    this.#say('world', `power cut for ${forMs}`);
    for (const { world } of this.#nodes) world.isOn = false;
    this.#nodes = [];
    this.#disk.cutAt = undefined;
    const ended = this.#disk.powerLost();
    this.#scheduler.after(forMs, () => void ended.then(() => this.#boot()).catch(this.#threw));
  }

  #take(step: Step): void {
    if (step.do !== 'sell') this.#say('world', JSON.stringify(step));
    switch (step.do) {
      case 'sell': {
        const terminal = this.#terminals[step.terminal];
        terminal?.sell(step).catch(this.#threw);
        return;
      }
      case 'cut':
        return this.#cut(step.forMs);
      case 'cut-at-statement':
        this.#disk.cutAt = { nth: step.nth, moment: step.moment, cut: () => this.#cut(step.forMs) };
        return;
      case 'disk-fails':
        this.#disk.fault = step.how;
        this.#scheduler.after(step.forMs, () => {
          this.#disk.fault = undefined;
        });
        return;
      case 'step-clock':
        this.#skewMs += step.byMs;
        return;
      case 'partition':
        if (step.of === 'issuer' && !step.isSilent) {
          this.#connect(false);
          this.#scheduler.after(step.forMs, () => this.#connect(true));
        }
        return this.#weather(step.of, { isCut: true }, step.forMs);
      case 'bad-line': {
        const { lostPercent, doubledPercent, latePercent } = step;
        return this.#weather(step.of, { lostPercent, doubledPercent, latePercent }, step.forMs);
      }
      case 'advices-refused':
        this.#issuer.refusesAdvices = step.isSilent ? 'silently' : 'aloud';
        this.#scheduler.after(step.forMs, () => {
          this.#issuer.refusesAdvices = undefined;
        });
        return;
      case 'disk-slow':
        this.#disk.slowMs = step.mostMs;
        this.#scheduler.after(step.forMs, () => {
          this.#disk.slowMs = 0;
        });
        return;
      case 'sign-on':
        if (!this.#isIssuerThere) return;
        this.#connect(false);
        return this.#connect(true);
      case 'look':
        this.#people.look(step).catch(this.#threw);
        return;
      case 'take-over': {
        const old = this.#nodes.at(-1);
        if (!old || this.#isStarting) return;
        void this.#boot().catch(this.#threw);
        this.#scheduler.after(step.forMs, () => {
          if (!old.world.isOn || this.#nodes.at(-1) === old) return;
          old.world.isOn = false;
          this.#nodes = this.#nodes.filter((one) => one !== old);
          this.#disk.release(old.world).catch(this.#threw);
        });
      }
    }
  }

  #connect(isThere: boolean): void {
    this.#isIssuerThere = isThere;
    for (const node of this.#nodes) node.connectionChanged();
  }

  #weather(of: 'issuer' | 'terminals', weather: Partial<Weather>, forMs: number): void {
    const line = of === 'issuer' ? this.#issuerLine : this.#terminalLine;
    line.weather = { ...goodWeather, ...weather };
    this.#scheduler.after(forMs, () => {
      line.weather = { ...goodWeather };
    });
  }

  /** From here on everything works; the connections to the issuer are made anew. */
  #heal(): void {
    this.#say('world', 'healed');
    this.#disk.cutAt = undefined;
    this.#disk.fault = undefined;
    this.#issuer.refusesAdvices = undefined;
    for (const line of [this.#issuerLine, this.#terminalLine]) line.weather = { ...goodWeather };
    this.#connect(false);
    this.#connect(true);
  }

  /** What is not over. */
  async #open(): Promise<readonly string[]> {
    const store = this.#nodes.at(-1)?.store;
    if (!store || !this.#nodes.at(-1)?.core) return ['no switch'];
    const selling = this.#terminals.filter(({ open }) => open > 0).map(({ serial }) => `${serial} still asks`);
    const sales = await store.db
      .selectFrom('switch_sales')
      .select(['amount_minor', 'state'])
      .where('state', 'in', ['send-intended', 'posting', 'reversing', 'voiding'])
      .execute();
    const advices = await store.db
      .selectFrom('switch_reversals')
      .select(['advice', 'state'])
      .where('state', 'in', ['queued', 'dead'])
      .where('link', 'is not', null)
      .execute();
    return [
      ...selling,
      ...(this.#people.open > 0 ? [`${this.#people.open} people are not done`] : []),
      ...sales.map(({ amount_minor, state }) => `sale ${amount_minor} is ${state}`),
      ...advices.map(({ advice, state }) => `a ${advice} is ${state}`),
    ];
  }

  /**
   * Who settles an advice by hand takes upon themselves that the issuer has it: for the oracle it has it from them, be it that it had it already. So
   * exactly what was settled may be missing there, and nothing else.
   */
  async #takenByHand(): Promise<void> {
    const { core, store } = this.#nodes.at(-1) ?? {};
    if (!core || !store) return;
    const settled = await store.db
      .selectFrom('switch_reversals')
      .selectAll()
      .where('state', '=', 'settled')
      .where('settled_by', 'is not', null)
      .orderBy('seq')
      .execute();
    const { codec, profile } = this.#link;
    for (const row of settled) {
      const advice = core.journal.images.advice(row);
      const actionCode = row.advice === 'posting' ? '900' : '400';
      const answer = answerTo(advice, responseMti(advice.mti) ?? '', profile.echo, { 39: actionCode });
      const tap = { side: 'issuer', line: 'by hand', writing: profile } as const;
      this.#oracle.take({ ...tap, direction: 'in', hex: toHex(unwrap(codec.encode(advice))) });
      this.#oracle.take({ ...tap, direction: 'out', hex: toHex(unwrap(codec.encode(answer))) });
    }
  }

  async #harvest(open: readonly string[]): Promise<Run> {
    const store = this.#nodes.at(-1)?.store;
    const rows = store ? await store.db.selectFrom('switch_postings').selectAll().execute() : [];
    // An authorisation has no posting: one that had would count twice here.
    const holds = store
      ? await store.db
          .selectFrom('switch_sales')
          .select('amount_minor')
          .where('kind', '=', 'offlineAuthorisation')
          .where('state', 'in', ['posting', 'posted'])
          .execute()
      : [];
    const held = holds.reduce((sum, { amount_minor }) => sum + amount_minor, 0);
    const stand = (side: 'acquirer' | 'issuer'): number =>
      rows
        .filter((row) => row.side === side)
        .reduce(
          (sum, row) =>
            sum + ((row.kind === 'taken') === (row.class === 'debit') ? row.amount_minor : -row.amount_minor),
          held,
        );
    await this.#takenByHand();
    const text = this.#trace.join('\n');
    return {
      script: this.#script,
      verdict: this.#oracle.verdict(),
      books: { acquirerMinor: stand('acquirer'), issuerMinor: stand('issuer') },
      open,
      untrue: store ? await this.#byHand.untrue(store.db) : [],
      byHand: {
        settled: this.#byHand.count('settle', 'ok'),
        underWay: this.#byHand.count('settle', 'SWITCH_ADVICE_UNDER_WAY'),
      },
      voidedBelowZero: this.#issuer.belowZero.filter((amount) =>
        this.#terminals.some(({ voided }) => voided.includes(amount)),
      ),
      isCardShown: panDigits.some((digits) => text.includes(digits)),
      thrown: this.#thrown,
      trace: this.#trace,
      hash: createHash('sha256').update(text).digest('hex'),
      boots: this.#boots,
      statements: this.#disk.statements,
      endedMs: this.#scheduler.nowMs,
    };
  }
}

/** The link of a run: advices become dead letters as early as its script says. */
function linkOf({ manualAfter }: Script): Link {
  const { profile } = cardCompanyLink;
  const storeAndForward = { ...profile.timers.storeAndForward, manualAfter };
  return { ...cardCompanyLink, profile: { ...profile, timers: { ...profile.timers, storeAndForward } } };
}

/** A fact as the log shows it, with the causes of a fault: what they say counts as shown, too. */
function textOf(value: unknown): string {
  if (value instanceof Error) return `${value.message}${value.cause === undefined ? '' : ` < ${textOf(value.cause)}`}`;
  return typeof value === 'object' && value !== null && 'cause' in value
    ? `${JSON.stringify({ ...value, cause: undefined })} < ${textOf(value.cause)}`
    : (JSON.stringify(value) ?? String(value));
}
