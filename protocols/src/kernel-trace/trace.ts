import { z } from 'zod';

const hexText = (bytesMax: number) =>
  z
    .string()
    .regex(/^([0-9A-F]{2})*$/)
    .max(bytesMax * 2);
const byte = z.number().int().min(0).max(0xff);
const atMs = z.number().nonnegative().describe('Milliseconds since the transaction began.');

const cause = z
  .union([
    z.object({
      byte: z.number().int().min(1).max(5),
      bit: z.number().int().min(1).max(8),
      code: z.enum(['TAC', 'IAC']),
      list: z.enum(['denial', 'online', 'default']),
    }),
    z.object({ rule: z.string().max(40) }),
  ])
  .describe('What led to a decision: a bit of the TVR and the action code that names it, or a rule without bits.');
/** What led to a decision. */
export type KernelTraceCause = z.infer<typeof cause>;

/** What a kernel notes besides its commands: values that hold no account data, in upper-case hexadecimal. */
export const kernelNote = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('application'),
      aid: hexText(16),
      label: z.string().max(40),
      kernel: z.number().int().min(2).max(7).optional(),
    }),
    z.object({
      type: z.literal('authentication'),
      method: z.string().max(8),
      isPassed: z.boolean(),
      step: z.string().max(40).optional(),
    }),
    z.object({
      type: z.literal('cvm'),
      rule: z.string().regex(/^[0-9A-F]{4}$/),
      result: z.enum(['skipped', 'failed', 'passed', 'unknown']),
    }),
    z.object({ type: z.literal('value'), tag: z.string().regex(/^[0-9A-F]{2,6}$/), value: hexText(32) }),
    z.object({
      type: z.literal('action'),
      asks: z.enum(['TC', 'ARQC', 'AAC']),
      because: z.array(cause).max(40).readonly(),
    }),
    z.object({
      type: z.literal('script'),
      template: z.enum(['71', '72']),
      outcome: z.enum(['notPerformed', 'failed', 'succeeded']),
      at: z.number().int().min(0).max(255),
    }),
    z.object({
      type: z.literal('risk'),
      what: z.enum(['floorLimit', 'random', 'velocity', 'exceptionFile']),
      detail: z.string().max(60),
    }),
    z.object({ type: z.literal('outcome'), outcome: z.string().max(80) }),
  ])
  .describe('What the kernel found or decided.');
export type KernelNote = z.infer<typeof kernelNote>;

/** One line of a trace: a command with its answer (lengths and status word, no data), a note, or a step that a person was shown. */
export const kernelTraceLine = z.union([
  z.object({
    atMs,
    tookMs: z.number().nonnegative().describe('From the command to its answer, milliseconds.'),
    cla: byte,
    ins: byte,
    p1: byte,
    p2: byte,
    sentBytes: z.number().int().nonnegative().describe('Length of the command data.'),
    receivedBytes: z.number().int().nonnegative().describe('Length of the response data.'),
    sw: z.string().regex(/^[0-9A-F]{4}$/),
  }),
  z.object({
    atMs,
    tookMs: z.number().nonnegative().describe('From the command to its answer, milliseconds.'),
    felica: byte.describe('Command code of a FeliCa frame.'),
    sentBytes: z.number().int().nonnegative().describe('Length of the command frame.'),
    receivedBytes: z.number().int().nonnegative().describe('Length of the response frame; 0: none came.'),
    status: z
      .string()
      .regex(/^[0-9A-F]{4}$/)
      .optional()
      .describe('Status flags 1 and 2, where the response has them.'),
  }),
  z.object({ atMs, note: kernelNote }),
  z.object({ atMs, step: z.string().max(40), detail: z.string().max(200) }),
]);
export type KernelTraceLine = z.infer<typeof kernelTraceLine>;

/** The most lines of one transaction that are kept. */
export const traceLinesMax = 256;

export const kernelTrace = z
  .object({
    v: z.literal(1),
    at: z.number().int().nonnegative().describe('Terminal time of the end, milliseconds since 1970.'),
    stan: z.string().max(6).describe('System trace audit number; empty when no message was made.'),
    card: z.string().max(40).describe('Name of the emulated card; empty on a real reader.'),
    entry: z.enum(['contact', 'contactless', 'stripe', 'stored']),
    amountMinor: z.number().int(),
    outcome: z.string().max(20),
    reason: z.string().max(64).optional(),
    lines: z.array(kernelTraceLine).max(traceLinesMax),
    isCut: z.boolean().describe('Whether there was more than is kept.'),
  })
  .describe('One transaction as its kernel saw it, without account data.');
export type KernelTrace = z.infer<typeof kernelTrace>;

/** Traces that a terminal keeps, the newest last. */
export const tracesMax = 16;

/** Which trace: by STAN, or the last one. */
export const traceOrder = z
  .object({
    stan: z
      .string()
      .regex(/^\d{1,6}$/)
      .optional()
      .describe('STAN of the payment; without it the last one.'),
  })
  .describe('Which trace a terminal is to give.');
export type TraceOrder = z.infer<typeof traceOrder>;
