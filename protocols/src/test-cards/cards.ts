import {
  amexContact,
  amexContactless,
  jcbContact,
  jcbContactless,
  mastercardContact,
  mastercardContactless,
  unionpayContact,
  visaContact,
  visaContactless,
} from './bases.ts';
import type { CardData } from './card-data.ts';

/** The cards in everybody's pocket. PANs lie in the schemes' published test ranges and were never issued. */
export const everydayCards = [
  { ...visaContact, name: 'visa-contact', pan: '4761739001010010' },
  { ...visaContact, name: 'visa-declined', pan: '4761739001010119', fate: { kind: 'declined', actionCode: 116 } },
  { ...visaContact, name: 'visa-silent', pan: '4761739001010135', fate: { kind: 'silent' } },
  { ...visaContact, name: 'visa-listed', pan: '4761739001010127', fate: { kind: 'listed' } },
  { ...visaContactless, name: 'visa-contactless', pan: '4761739001010036' },
  { ...mastercardContact, name: 'mastercard-contact', pan: '5413330089010012' },
  { ...mastercardContactless, name: 'mastercard-contactless', pan: '5413330089020011' },
  { ...jcbContact, name: 'jcb-contact', pan: '3569990010030004' },
  { ...jcbContactless, name: 'jcb-contactless', pan: '3569990010030012' },
  { ...amexContact, name: 'amex-contact', pan: '374245001741007' },
  { ...amexContactless, name: 'amex-contactless', pan: '374245001751006' },
  { ...unionpayContact, name: 'unionpay-contact', pan: '6250946000000016' },
  // From abroad: their holders may pay in their own currency.
  {
    ...visaContact,
    name: 'visa-usd',
    pan: '4761739001100845',
    issuerCountry: '0840',
    currency: '0840',
    languages: 'en',
    cardholder: 'DOE/JANE',
  },
  {
    ...mastercardContactless,
    name: 'mastercard-eur',
    pan: '5413330089300975',
    issuerCountry: '0276',
    currency: '0978',
    languages: 'deen',
    cardholder: 'MUSTERMANN/ERIKA',
  },
] as const satisfies readonly CardData[];
