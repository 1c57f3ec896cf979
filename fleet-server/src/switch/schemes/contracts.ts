import type { Hours, Operation, PaymentMethod } from '@tsunagu/protocols/acquiring';
import type { Contract, ContractRules } from '@tsunagu/protocols/fleet';
import { isWithin } from '../routing/route.ts';

/** What a request is, as far as its contract is concerned. */
export interface Contracted {
  readonly scheme: string;
  readonly link: string;
  /** DE42. */
  readonly merchant: string;
  readonly operation: Operation;
  readonly amountMinor: number;
  readonly method: PaymentMethod;
  readonly entry: string;
  readonly hasPin: boolean;
  /** How the cardholder was verified: values of position 8 of DE22, those of DE63 among them; 0 is not at all. */
  readonly verifications: readonly string[];
  /** Leading digits of the card number. */
  readonly digits: string;
  /** ISO 4217 number that the cardholder is to pay in, with DCC. */
  readonly cardholderCurrency: string | undefined;
  readonly nowMs: number;
}

/** Why a contract forbids something, and the action code that says so. ISO 8583:1993, A.1. */
export interface ContractRefusal {
  readonly actionCode: string;
  readonly why:
    | 'operation'
    | 'hours'
    | 'method'
    | 'instalments'
    | 'amount'
    | 'pin'
    | 'signature'
    | 'refund'
    | 'currency'
    | 'day';
  /** When it may be, where the time of day forbids it. */
  readonly hours?: Hours;
}

/** What is agreed where nothing else is: everything at once. */
const nothingAgreed = {
  methods: ['10'],
  instalments: [],
  methodMinMinor: 0,
  pin: 'optional',
  signature: 'optional',
  signatureOnly: [],
  refund: 'allowed',
  cancelSameDay: false,
  dccCurrencies: [],
} as const satisfies Omit<Contract, 'scheme'>;

const no = (actionCode: string, why: ContractRefusal['why']): ContractRefusal => ({ actionCode, why });

/** The contracts of the switch, ready for questions. */
export class Contracts {
  readonly #byScheme = new Map<string, Contract[]>();

  constructor({ contracts }: ContractRules) {
    for (const contract of contracts) {
      const known = this.#byScheme.get(contract.scheme);
      if (known) known.push(contract);
      else this.#byScheme.set(contract.scheme, [contract]);
    }
  }

  /** The contract that counts: the merchant's own before the link's, and that before the scheme's. */
  of({ scheme, link, merchant }: Pick<Contracted, 'scheme' | 'link' | 'merchant'>): Omit<Contract, 'scheme'> {
    let best: Contract | undefined;
    for (const contract of this.#byScheme.get(scheme) ?? []) {
      const fits =
        (contract.merchant === undefined || contract.merchant === merchant.trim()) &&
        (contract.link === undefined || contract.link === link);
      if (fits && weight(contract) > (best ? weight(best) : -1)) best = contract;
    }
    return best ?? nothingAgreed;
  }

  /**
   * Whether a request may be made. Order: operation (119), refund (119), hours (907), method and its amount (119, 110), instalments (119), PIN (112 missing, 119
   * forbidden), verification (112 as well: nobody was verified), currency (119). Undefined: it may.
   */
  judge(asked: Contracted): ContractRefusal | undefined {
    const contract = this.of(asked);
    const { method, operation } = asked;
    if (contract.operations && !contract.operations.includes(operation)) return no('119', 'operation');
    if (operation === 'refund' && contract.refund === 'never') return no('119', 'refund');
    if (contract.hours && !isWithin(contract.hours, asked.nowMs))
      return { ...no('907', 'hours'), hours: contract.hours };
    if (!contract.methods.includes(method.code)) return no('119', 'method');
    if (method.code !== '10' && asked.amountMinor < contract.methodMinMinor) return no('110', 'amount');
    if (method.instalments !== undefined && !contract.instalments.includes(method.instalments))
      return no('119', 'instalments');
    // Only what the cardholder pays with is verified: what follows it was.
    if (operation === 'sale' || operation === 'authorisation') {
      const isSignedAlone = contract.signatureOnly.some((prefix) => asked.digits.startsWith(prefix));
      const isRead = asked.entry === 'contact' || asked.entry === 'stripe';
      const needsPin = contract.pin === 'required' || (contract.pin === 'in-person' && isRead);
      if (needsPin && !isSignedAlone && !asked.hasPin) return no('112', 'pin');
      if ((contract.pin === 'never' || isSignedAlone) && asked.hasPin) return no('119', 'pin');
      // Small amounts without contact are not verified by anybody.
      const isVerified = !asked.verifications.includes('0');
      const needsSignature = contract.signature === 'required' && (asked.entry !== 'contactless' || isVerified);
      if (needsSignature && !asked.verifications.includes(signed)) return no('112', 'signature');
    }
    const { cardholderCurrency } = asked;
    return cardholderCurrency !== undefined && !contract.dccCurrencies.includes(cardholderCurrency)
      ? no('119', 'currency')
      : undefined;
  }

  /** Whether something may still be taken back by the till: 914 (G94 at a Japanese one) on another business day of its issuer, where the contract says so. */
  judgeCancellation(
    of: Pick<Contracted, 'scheme' | 'link' | 'merchant'>,
    madeOn: string,
    today: string,
  ): ContractRefusal | undefined {
    return this.of(of).cancelSameDay && madeOn !== today ? no('914', 'day') : undefined;
  }
}

/** A signature that a person compares. ISO 8583:1993, A.8, position 8. */
const signed = '5';

const weight = ({ merchant, link }: Contract): number =>
  (merchant === undefined ? 0 : 2) + (link === undefined ? 0 : 1);

/** The contracts of a fresh house. What is allowed is by scheme; the figures are ours. */
export const defaultContracts: ContractRules = {
  contracts: [
    ...['visa', 'mastercard', 'jcb', 'amex'].map((scheme) => ({
      ...nothingAgreed,
      scheme,
      methods: ['10', '21', '22', '23', '24', '31', '32', '33', '34', '61', '80'] as Contract['methods'],
      instalments: [3, 5, 6, 10, 12, 15, 18, 20, 24],
      methodMinMinor: 1_000,
      dccCurrencies: scheme === 'visa' || scheme === 'mastercard' ? ['840', '978', '156', '410'] : [],
    })),
    // PIN (six digits) and signature on ordinary cards; some are signed for alone. Lump sum only.
    {
      ...nothingAgreed,
      scheme: 'unionpay',
      methods: ['10'],
      pin: 'in-person',
      signature: 'required',
      signatureOnly: [],
      instalments: [],
    },
    // The balance of a bank account, by its PIN, on the day it was made.
    {
      ...nothingAgreed,
      scheme: 'j-debit',
      operations: ['sale', 'balance'],
      methods: ['10'],
      pin: 'required',
      refund: 'never',
      cancelSameDay: true,
      instalments: [],
    },
    {
      ...nothingAgreed,
      scheme: 'gift',
      operations: ['sale', 'balance', 'charge', 'issue', 'refund'],
      methods: ['10'],
      instalments: [],
    },
    {
      ...nothingAgreed,
      scheme: 'points',
      operations: ['sale', 'balance', 'charge', 'issue', 'refund'],
      methods: ['10'],
      instalments: [],
    },
  ].map(
    (contract) =>
      ({
        ...contract,
        signatureOnly: [...contract.signatureOnly],
        dccCurrencies: [...contract.dccCurrencies],
      }) as Contract,
  ),
};
