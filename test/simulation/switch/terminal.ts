import type { LedgerOracle } from '@tsunagu/fleet-server/ledger-oracle/oracle';
import {
  adviceReasons,
  cardCompanyLink,
  merchantIdOf,
  type OpenMessage,
  type PaymentRequest,
  paymentRequest,
  readConversion,
  readOfferReference,
  type RefusalCode,
  reversalOf,
  reversalReasons,
  terminalCodec,
  terminalIdOf,
  terminalLink,
  withCard,
} from '@tsunagu/protocols/acquiring';
import type { DukptKsn } from '@tsunagu/protocols/dukpt';
import { type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import { type DecodedMessage, isApproval, type Message, repeatMti } from '@tsunagu/protocols/iso8583';
import { hex, type Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { stripeAccount, testCard } from '@tsunagu/protocols/test-cards';
import type { Scheduler } from '../scheduler.ts';
import { beginsAt } from '../world.ts';
import type { Step } from './script.ts';

/** How a request of a terminal ended. */
export type Heard = { readonly answer: Uint8Array } | { readonly refusal: RefusalCode };

/** Where a terminal puts its messages. What comes back may come late, twice, or never. */
export type Road = (serial: Serial, ksn: DukptKsn, bytes: Uint8Array, heard: (heard: Heard) => void) => void;

const answerMs = 10_000;
const reversalAgainMs = 4_000;
const card = testCard('visa-contact');
const prepaid = stripeAccount('gift-card');
/** How terminals write: packed, and DE52 as the card company has it. */
const writing = { dialect: terminalLink.dialect, fieldOverrides: cardCompanyLink.profile.fieldOverrides };
const cards = ['visa-contact'] as const;

/** The numbers of the cards that are used: nothing that is written down may hold them. */
export const panDigits = [...cards.map((name) => testCard(name).pan), prepaid.pan].map((pan) =>
  pan.use((bytes) => Buffer.from(bytes).toString('latin1')),
);

const carded = (message: OpenMessage, { pan, expiry }: { pan: Secret<'pan'>; expiry: string } = card): Message =>
  withCard(message, { pan, expiry: expiry.slice(0, 4), panSequence: card.psn });

type Sell = Extract<Step, { do: 'sell' }>;

/**
 * A terminal as the switch knows it, at the messages: sells, asks again, reverses until it is told 400. That it survives its own power cuts is shown by the
 * simulation of the fleet.
 */
export class SellingTerminal {
  readonly serial: Serial;
  /** Sales, advices and reversals that are not over. */
  open = 0;
  /** Amounts of what it was told is approved, and asked to be taken back after that. */
  readonly voided: number[] = [];
  readonly #scheduler: Scheduler;
  readonly #road: Road;
  readonly #oracle: LedgerOracle;
  readonly #note: (event: string) => void;
  readonly #initialKeyId: Uint8Array;
  #stan = 0;
  #counter = 0;

  constructor(
    index: number,
    scheduler: Scheduler,
    road: Road,
    oracle: LedgerOracle,
    note: (serial: Serial, event: string) => void,
  ) {
    this.serial = serialSchema.parse(`SIM-000${index}`);
    this.#scheduler = scheduler;
    this.#road = road;
    this.#oracle = oracle;
    this.#note = (event) => note(this.serial, event);
    this.#initialKeyId = hex(`A0B0C0D0E0F0000${index}`);
  }

  #nextStan(): string {
    this.#stan += 1;
    return String(this.#stan).padStart(6, '0');
  }

  async sell({ operation, amountMinor, repeats, cancelsAfterMs, dcc }: Sell): Promise<void> {
    this.open += 1;
    try {
      const request = {
        terminalId: terminalIdOf(this.serial),
        merchantId: merchantIdOf('demo'),
        abilities: {
          readers: ['stripe', 'contact', 'contactless'],
          pinPad: true,
          printer: 'built-in',
          screen: 'colour',
        },
        amountMinor,
        entry: 'contact',
        verification: 'signature',
      } as const;
      const isAdvice = operation === 'offlineSale' || operation === 'offlineAuthorisation';
      const conversion = dcc && operation === 'sale' ? await this.#offer(request) : undefined;
      const made = {
        ...request,
        ...this.#keys(),
        operation: operation === 'spend' ? ('sale' as const) : operation,
        conversion,
        ...(isAdvice && { reason: adviceReasons.underFloorLimit }),
        emv: hex('9F260811223344556677889F2701809F36020001950500000080009A032601059C01009F3704112233445F2A020392'),
      } as const;
      const isPrepaid = operation === 'charge' || operation === 'spend';
      const sale = carded(paymentRequest(made), isPrepaid ? prepaid : card);
      if (isAdvice) return await this.#advise(sale, amountMinor);
      let actionCode = (await this.#ask(sale))?.text(39);
      if (actionCode === undefined && repeats) actionCode = (await this.#ask({ ...sale, mti: '1201' }))?.text(39);
      // 923: the first one is still in hand.
      const isUnknown = actionCode === undefined || actionCode === '923';
      this.#note(`sale ${amountMinor} ${actionCode ?? 'without an answer'}`);
      if (isUnknown) await this.#reverse(sale, reversalReasons.timedOut, amountMinor);
      else if (isApproval(actionCode ?? '') && cancelsAfterMs !== null) {
        await this.#sleep(cancelsAfterMs);
        this.voided.push(amountMinor);
        await this.#reverse(sale, reversalReasons.customerCancelled, amountMinor);
      }
    } finally {
      this.open -= 1;
    }
  }

  /** A sale or an authorisation that the card approved by itself: told until it is taken. */
  async #advise(advice: Message, amountMinor: number): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#ask(attempt === 0 ? advice : { ...advice, mti: repeatMti(advice.mti) ?? '' });
      const actionCode = answer?.text(39);
      this.#note(`advice ${amountMinor} ${actionCode ?? 'without an answer'}`);
      if (actionCode === '900') return;
      await this.#sleep(reversalAgainMs);
    }
  }

  async #reverse(sale: Message, reason: string, amountMinor: number): Promise<void> {
    const reversal = reversalOf(sale, { stan: this.#nextStan(), nowMs: beginsAt + this.#scheduler.nowMs, reason });
    for (let attempt = 0; ; attempt += 1) {
      const actionCode = (await this.#ask(attempt === 0 ? reversal : { ...reversal, mti: '1421' }))?.text(39);
      this.#note(`reversal ${amountMinor} ${actionCode ?? 'without an answer'}`);
      if (actionCode === '400') return;
      // A cancellation that is refused leaves the sale as it is; 923: the issuer has not said yet.
      const isSaid = actionCode !== undefined && actionCode !== '923';
      if (reason === reversalReasons.customerCancelled && isSaid) return;
      await this.#sleep(reversalAgainMs);
    }
  }

  /** What the amount is in the currency of the card; undefined where nothing is offered, or no answer comes. */
  async #offer(
    request: Omit<PaymentRequest, 'operation' | 'stan' | 'nowMs'>,
  ): Promise<PaymentRequest['conversion'] | undefined> {
    const answer = await this.#ask(carded(paymentRequest({ ...request, ...this.#keys(), operation: 'rate' })));
    const conversion = answer && unwrap(readConversion((number) => answer.text(number)));
    this.#note(
      `rate ${request.amountMinor} ${answer?.text(39) ?? 'without an answer'} ${conversion?.amountMinor ?? ''}`,
    );
    return conversion && { ...conversion, reference: readOfferReference(answer.text(62)) };
  }

  #keys(): Pick<PaymentRequest, 'stan' | 'nowMs'> {
    return { stan: this.#nextStan(), nowMs: beginsAt + this.#scheduler.nowMs };
  }

  /** The answer; undefined when none came in time, or the frame was refused without one. */
  #ask(message: Message): Promise<DecodedMessage | undefined> {
    const bytes = unwrap(terminalCodec.encode(message));
    const tap = (direction: 'in' | 'out', shown: Uint8Array): void =>
      this.#oracle.take({ side: 'acquirer', line: this.serial, direction, writing, hex: toHex(shown) });
    tap('out', bytes);
    // Counters of transaction keys have at most sixteen bits that are set.
    this.#counter += 1;
    const ksn: DukptKsn = { scheme: 'aes', initialKeyId: this.#initialKeyId, counter: this.#counter };
    return new Promise((resolve) => {
      let isOver = false;
      const over = (answer: DecodedMessage | undefined): void => {
        if (isOver) return;
        isOver = true;
        timer.cancel();
        resolve(answer);
      };
      const timer = this.#scheduler.after(answerMs, () => over(undefined));
      this.#road(this.serial, ksn, bytes, (heard) => {
        if ('refusal' in heard) return over(undefined);
        // What comes late or twice changes nothing at the till, but the oracle sees all of it.
        tap('in', heard.answer);
        const decoded = terminalCodec.decode(heard.answer);
        over(decoded.ok ? decoded.value : undefined);
      });
    });
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#scheduler.after(delayMs, resolve);
    });
  }
}
