import type { Store } from '@tsunagu/fleet-server/store/index';
import { type Message, textOf } from '@tsunagu/protocols/iso8583';

/** One act of a person. */
interface Call {
  readonly verb: 'settle' | 'retry';
  readonly id: string;
  readonly by: string;
}
interface Told extends Call {
  /** `ok`, or the code of a refusal. */
  readonly code: string;
  /** How many messages had been sent by then. */
  readonly sent: number;
  /** Advices that waited for the issuer's answer at that moment, in the node that said so. */
  readonly underWay: ReadonlySet<string>;
}

/** What is not as people were told. */
export interface Untrue {
  readonly name: 'settledIsSilent' | 'settledIsKnown' | 'endsOnce' | 'overIsOver';
  readonly what: string;
}

/** An advice by its trace number and time towards the issuer; undefined of what is none. */
const adviceOf = (message: Message): string | undefined =>
  message.mti[2] === '2' ? `${textOf(message, 11) ?? ''}/${textOf(message, 12) ?? ''}` : undefined;

/** The advices among messages. */
export const advicesOf = (messages: Iterable<Message>): ReadonlySet<string> =>
  new Set([...messages].map(adviceOf).filter((advice) => advice !== undefined));

/** How the journal says that an advice came to its end, whoever said so. */
const ends = {
  posting: ['posting-taken', 'posting-refused'],
  reversal: ['reversal-accepted', 'void-refused'],
} as const;

/** What people did by hand and were told, and what the switch put on the line to the issuer, in the order in which it happened. */
export class ByHand {
  readonly #calls: Call[] = [];
  readonly #told: Told[] = [];
  /** Advices as they were sent; undefined for any other message. */
  readonly #sent: (string | undefined)[] = [];

  began(verb: Call['verb'], id: string, by: string): Call {
    const call = { verb, id, by };
    this.#calls.push(call);
    return call;
  }

  told(call: Call, code: string, underWay: ReadonlySet<string>): void {
    this.#told.push({ ...call, code, sent: this.#sent.length, underWay });
  }

  sent(message: Message): void {
    this.#sent.push(adviceOf(message));
  }

  /** How often people were told so. */
  count(verb: Call['verb'], code: string): number {
    return this.#told.filter((told) => told.verb === verb && told.code === code).length;
  }

  /** Compares what people were told with the line and the journal, once everything is over. */
  async untrue(db: Store['db']): Promise<readonly Untrue[]> {
    const rows = await db.selectFrom('switch_reversals').selectAll().where('image', 'is not', null).execute();
    const journal = (await db.selectFrom('switch_journal').selectAll().orderBy('seq').execute()).map((row) => ({
      ...row,
      names: row.entry.split(' '),
      facts: JSON.parse(row.facts) as Readonly<Record<string, unknown>>,
    }));
    const found: Untrue[] = [];
    const settles = this.#calls.filter(({ verb }) => verb === 'settle');
    const codeOf = (call: Call): string | undefined => this.#told.find(({ by }) => by === call.by)?.code;
    const seqOf = (by: string): readonly number[] =>
      journal.filter(({ facts }) => facts.by === by).map(({ seq }) => seq);

    for (const { verb, id, code, sent, underWay, by } of this.#told) {
      const row = rows.find((one) => one.id === id);
      if (verb !== 'settle' || code !== 'ok' || !row) continue;
      const key = `${row.out_stan ?? ''}/${row.out_time ?? ''}`;
      const after = this.#sent.slice(sent).filter((advice) => advice === key).length;
      if (after > 0) found.push({ name: 'settledIsSilent', what: `${by}: sent ${after} times since it was settled` });
      if (underWay.has(key)) found.push({ name: 'settledIsKnown', what: `${by}: its answer is awaited` });
      if (row.state !== 'settled') found.push({ name: 'endsOnce', what: `${by}: settled, and it is ${row.state}` });
    }

    for (const call of settles) {
      const written = seqOf(call.by).length;
      const code = codeOf(call);
      // Whoever heard nothing may have settled it or not.
      const isAsTold = code === undefined ? written <= 1 : written === (code === 'ok' ? 1 : 0);
      if (!isAsTold)
        found.push({ name: 'endsOnce', what: `${call.by}: ${code ?? 'no word'}, ${written} in the journal` });
    }
    for (const { id, settled_by: by } of rows)
      if (by !== null && !settles.some((call) => call.by === by && call.id === id))
        found.push({ name: 'endsOnce', what: `${id} is settled by ${by}, who did not` });

    const isEnd = ({ names }: { names: readonly string[] }, advice: keyof typeof ends): number =>
      names.filter((name) => ends[advice].some((end) => end === name)).length;
    const ofSale = new Map<string, typeof rows>();
    for (const row of rows) {
      const key = `${row.sale_id ?? ''} ${row.advice}`;
      ofSale.set(key, [...(ofSale.get(key) ?? []), row]);
    }
    for (const [key, alike] of ofSale) {
      const { sale_id: sale, advice } = alike[0] ?? {};
      if (sale === undefined || sale === null || advice === undefined) continue;
      const over = alike.filter(({ state }) => state === 'delivered' || state === 'settled').length;
      const own = journal.filter((entry) => entry.sale_id === sale);
      const ended = own.reduce((sum, entry) => sum + isEnd(entry, advice), 0);
      if (ended !== over) found.push({ name: 'endsOnce', what: `${key}: ${over} over, ${ended} ends in the journal` });
      // What was tried again by hand was not over when the journal was told so.
      for (const { verb, id, by, code } of this.#told) {
        if (verb !== 'retry' || code !== 'ok' || !alike.some((row) => row.id === id)) continue;
        const [at] = seqOf(by);
        const before = own
          .filter(({ seq }) => at !== undefined && seq < at)
          .reduce((sum, each) => sum + isEnd(each, advice), 0);
        if (at === undefined || before >= alike.length)
          found.push({ name: 'overIsOver', what: `${by}: ${id} is told to be tried again, and is over` });
      }
    }
    return found;
  }
}
