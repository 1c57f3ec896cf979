import { z } from 'zod';
import { paymentKinds } from '../fleet/payment-kinds.ts';

const texts = z.strictObject({ en: z.string().min(1).max(200), ja: z.string().min(1).max(200) });

/** How a terminal reaches its centre. */
export const linkKinds = ['modem', 'isdn', 'lan', 'mobile', 'phone', 'radio'] as const;
export type LinkKind = (typeof linkKinds)[number];
/** How a card is read. */
export const readerKinds = ['stripe', 'contact', 'contactless', 'felica'] as const;
export type ReaderKind = (typeof readerKinds)[number];
/** A contactless kernel by its number: 2 Mastercard, 3 Visa, 4 American Express, 5 JCB, 6 Discover, 7 UnionPay. EMV Book B, table 3-6. */
export type ContactlessKernel = 2 | 3 | 4 | 5 | 6 | 7;
/** The merchant service a model was made for (JET- names of the source document). */
export const families = [
  'JET-ALONE',
  'JET-STANDARD',
  'JET-STANDARD II',
  'JET-HANDY',
  'JET-ISDN',
  'JET-MOBILE',
  'JET-Smart',
  'other',
] as const;
export type Family = (typeof families)[number];
/** How a model can keep keys: X9.24-1:2009 (TDES) and X9.24-3:2017 (AES). */
export const keySchemes = ['tdes-dukpt', 'aes-dukpt'] as const;
export type KeyScheme = (typeof keySchemes)[number];
/**
 * How a model gets its key-block protection key. `agreement`: at enrolment. The others: by TR-34 under RSA, over an agreement that no other
 * key is loaded under; two-pass with the terminal's random number, one-pass with rising signing times for models that cannot keep one.
 */
export const protectionSchemes = ['agreement', 'tr34-two-pass', 'tr34-one-pass'] as const;
export type ProtectionScheme = (typeof protectionSchemes)[number];

/** A day that something of a model ends on, and who says so. */
const modelEnd = z.strictObject({
  on: z.iso.date().describe('The last day, UTC.'),
  name: z.string().min(1).max(60).describe('What ends: a number of approval, a release of the system.'),
  source: z.string().min(1).max(200).describe('Who says so: a listing, a notice of the maker.'),
});

/** A model's file, `models/<id>.json`: what it is and what it can do. What it cannot do cannot be asked of it. */
export const terminalModel = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/)
      .describe('Name on the device and in the hello; also the name of its file.'),
    maker: z.string().min(1).max(60),
    since: z
      .strictObject({ year: z.number().int().min(1980).max(2100), month: z.number().int().min(1).max(12).optional() })
      .describe('First installation; the month where a source names it.'),
    family: z.enum(families),
    links: z.array(z.enum(linkKinds)).min(1),
    readers: z.array(z.enum(readerKinds)).min(1),
    pinPad: z
      .boolean()
      .describe('Whether a PIN can be entered: for the card (plain and enciphered) and for the issuer.'),
    kernels: z
      .array(z.union([z.literal(2), z.literal(3), z.literal(4), z.literal(5), z.literal(6), z.literal(7)]))
      .describe('Contactless kernels on board; none without a contactless reader.'),
    printer: z.enum(['built-in', 'separate', 'none']),
    screen: z.enum(['segments', 'mono', 'colour', 'colour-touch']),
    offline: z.boolean().describe('Whether it may approve without the centre.'),
    negativeFileBytesMax: z.number().int().positive().describe('Room for its negative file, bytes.'),
    relay: z
      .enum(['parent', 'child', 'none'])
      .describe('Whether children can be attached to it, or it can be a child.'),
    keySchemes: z.array(z.enum(keySchemes)).min(1).describe('AES is used where a model can do both.'),
    protectionKeyBy: z.enum(protectionSchemes).describe('How it gets its key-block protection key (TR 34-2019).'),
    reduced: z.array(z.enum(paymentKinds)).describe('What its reduced functions leave out of a payment application.'),
    massGrams: z.number().int().positive().describe('Without its packing; for the figures of recycling.'),
    batteryGrams: z.number().int().nonnegative().describe('Its batteries, which are collected apart; 0 without.'),
    source: z
      .enum(['company-profile', 'maker'])
      .describe('Where maker, date and firsts come from; the rest is an assumption for emulation.'),
    ends: z
      .strictObject({ ptsApproval: modelEnd.optional(), softwareSupport: modelEnd.optional() })
      .optional()
      .describe('What of it ends, where a source tells the day. Without one nothing is said.'),
    note: texts,
  })
  .refine(({ kernels, readers }) => kernels.length === 0 || readers.includes('contactless'), {
    path: ['kernels'],
    message: 'a kernel without a contactless reader',
  })
  .refine(({ massGrams, batteryGrams }) => batteryGrams < massGrams, { path: ['batteryGrams'], message: 'too heavy' });

/** A terminal model: what it is and what it can do. What it cannot do cannot be asked of it. */
export type TerminalModel = Readonly<z.infer<typeof terminalModel>>;
