import type { CardWallet } from '@tsunagu/firmware-bridge/cards/index';
import { pocket } from '@tsunagu/firmware-bridge/cards/index';
import type { EmulatedRcs380 } from '@tsunagu/firmware-bridge/readers/emulated/rcs380-device';
import { totalsOf } from '@tsunagu/firmware-bridge/sales/index';
import type { Acquirer, AcquirerMessage } from '@tsunagu/firmware-bridge/secure/index';
import { merchantIdOf, operationOf, terminalIdOf } from '@tsunagu/protocols/acquiring';
import type { PaymentOrder, SaleResult } from '@tsunagu/protocols/fleet';
import { originalMti } from '@tsunagu/protocols/iso8583';
import { fail, ok } from '@tsunagu/protocols/kit';
import { type TransitCardName, transitCard } from '@tsunagu/protocols/test-cards';
import { expect } from 'vitest';
import { MemoryFiles } from '../agent/memory-files.ts';
import { openSmallHouse, type SmallHouse, tenant, type Terminal, until } from '../switch/small-house.ts';
import { boot, type Booted, type BootOptions } from './terminal.ts';

/** How the line behaves to a message. */
export type Mood = 'whole' | 'requestLost' | 'answerLost';
/** Told of each message of a terminal before it leaves: its operation, or `reversal`. */
export type OnMessage = (operation: string, nth: number) => Mood | Promise<Mood>;

type Felica = Parameters<EmulatedRcs380['insertFelica']>[0];
/** Told of each frame for a card before it gets it; undefined: the frame is lost. */
export type OnFrame = (card: Felica, frame: Uint8Array, nth: number) => Uint8Array | undefined;

const serial = 'CT5100-0001';

/** A terminal with a FeliCa antenna, and switch and transit centre behind their real wires. */
export class TransitHouse {
  readonly house: SmallHouse;
  readonly wallet: CardWallet = pocket();
  readonly #line: Terminal;
  #turn: Promise<unknown> = Promise.resolve();
  #disk = new MemoryFiles();
  onMessage: OnMessage = () => 'whole';
  onFrame: OnFrame = (card, frame) => card.transmit(frame);
  /** Whether a card that was taken away comes back when it is asked for. */
  returns = true;
  /** Operations that left the terminal, in order. */
  readonly sent: string[] = [];
  frames = 0;

  private constructor(house: SmallHouse, line: Terminal) {
    this.house = house;
    this.#line = line;
  }

  static async open(): Promise<TransitHouse> {
    const house = await openSmallHouse();
    return new TransitHouse(house, await house.terminal(serial));
  }

  /** The line to the switch, over the real one of the house. */
  #acquirer(isAlive: () => boolean): Acquirer {
    return {
      exchange: (message) => {
        const turn = this.#turn.then(() =>
          isAlive() ? this.#exchange(message, isAlive) : fail('ACQUIRER_UNREACHABLE'),
        );
        this.#turn = turn.catch(() => undefined);
        return turn;
      },
    };
  }

  async #exchange(message: AcquirerMessage, isAlive: () => boolean): ReturnType<Acquirer['exchange']> {
    const name = nameOf(message);
    this.sent.push(name);
    const mood = await this.onMessage(name, this.sent.length);
    if (mood === 'requestLost') return fail('ACQUIRER_TIMEOUT');
    const { mti, fields } = await this.#line.ask(message);
    // Who has no power hears nothing.
    return mood === 'answerLost' || !isAlive() ? fail('ACQUIRER_TIMEOUT') : ok({ mti, fields });
  }

  readonly #antenna = (felica: EmulatedRcs380): void => {
    const insert = felica.insertFelica.bind(felica);
    let isAway = false;
    felica.insertFelica = (card) => {
      if (isAway && !this.returns) return;
      isAway = false;
      insert({
        reset: () => card.reset(),
        transmit: (frame) => {
          if (frame[1] === 0) return card.transmit(frame);
          this.frames += 1;
          const answer = this.onFrame(card, frame, this.frames);
          if (answer === undefined) {
            isAway = true;
            felica.remove();
          }
          return answer;
        },
      });
    };
  };

  /** Boots the terminal on its disk. */
  boot(options: Partial<BootOptions> & { readonly files?: MemoryFiles } = {}): Promise<Booted> {
    return boot({
      files: this.#disk,
      model: 'CT-3100',
      factor: 10,
      acquirer: (isAlive) => this.#acquirer(isAlive),
      wallet: this.wallet,
      antenna: this.#antenna,
      identity: { terminalId: terminalIdOf(serial), merchantId: merchantIdOf(tenant) },
      ...options,
    });
  }

  /** One payment from boot to power-off, the power failing at the change `failAt`. @returns what a living terminal told */
  async run(order: PaymentOrder, failAt?: number, keepUnsynced = true): Promise<SaleResult | undefined> {
    this.sent.length = 0;
    this.frames = 0;
    const files = failAt === undefined ? this.#disk : this.#disk.afterPowerLoss(true, failAt);
    let told: SaleResult | undefined;
    try {
      const booted = await this.boot({ files, ...(failAt !== undefined && { failAt }) });
      const result = await booted.side.run(order);
      if (failAt === undefined || files.changes < failAt) told = result;
      await booted.side.close();
    } catch (cause) {
      if (failAt === undefined) throw cause;
      told = undefined;
    }
    this.#disk = files.afterPowerLoss(keepUnsynced);
    return told;
  }

  /** Everything is well again: what is due goes, the card is held here once more, and then all books agree to the yen. */
  async settled(card: TransitCardName, where: string): Promise<number> {
    this.onMessage = () => 'whole';
    this.onFrame = (one, frame) => one.transmit(frame);
    this.returns = true;
    const booted = await this.boot();
    await booted.drained();
    await this.delivered();
    const seen = await booted.side.run({ kind: 'balance', card });
    expect(seen, `${where} ${seen.reason}`).toMatchObject({ outcome: 'approved' });
    const { transit } = this.house;
    const account = transit.account(card);
    const standing = transit.standing(card);
    expect(account?.pending, where).toBeUndefined();
    expect(account?.due, where).toBeUndefined();
    // Card, account, and what merchants took and gave.
    expect(seen.balanceMinor, where).toBe(account?.balance);
    expect(account?.balance, where).toBe(transitCard(card).balance + standing);
    const { sales, advices } = booted.ports;
    expect(totalsOf(sales.day, sales.all(), advices.entries()).netMinor + standing, where).toBe(0);
    await booted.side.close();
    this.#disk = this.#disk.afterPowerLoss(true);
    return standing;
  }

  /** The centre has heard of every reversal. */
  delivered(): Promise<void> {
    return until(() => this.house.sw.reversalsQueued === 0);
  }

  /** The line to the centre is up again. */
  signedOn(): Promise<void> {
    return until(() => this.house.sw.links()[0]?.state === 'signed-on');
  }

  async close(): Promise<void> {
    this.#line.close();
    await this.house.close();
  }
}

function nameOf({ mti, fields }: AcquirerMessage): string {
  if (mti.startsWith('14')) return 'reversal';
  const text = (element: number): string | undefined => {
    const value = fields[element];
    return typeof value === 'string' ? value : undefined;
  };
  return operationOf(originalMti(mti), text(3), text(24)) ?? mti;
}
