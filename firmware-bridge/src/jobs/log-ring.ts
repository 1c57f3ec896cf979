import type { Clock, LogFacts, LogLevel } from '@tsunagu/protocols/world';

/** What a terminal remembers of its log: the newest lines, bounded both ways. */
export const logLinesMax = 5_000;
const logCharactersMax = 1_048_576;
const textMax = 120;

/** The newest log lines of a terminal, ready to be handed out. */
export interface LogRing {
  add(level: LogLevel, event: string, facts: LogFacts): void;
  /** The newest lines, oldest first, one JSON object each. */
  lines(countMax: number): readonly string[];
  /** Forgets everything. */
  clear(): void;
}

/**
 * Keeps log lines that may leave the terminal. What may be in one is said by its type and not by a list of what is to be masked: names,
 * numbers, and of a fault its code and place. Texts of exceptions stay behind; a text that could hold a card number loses its digits.
 */
export function openLogRing(clock: Pick<Clock, 'now'>): LogRing {
  let lines: string[] = [];
  let characters = 0;
  return {
    add(level, event, facts) {
      const shown = Object.fromEntries(Object.entries(facts).flatMap(([name, value]) => shownOf(name, value)));
      const line = JSON.stringify({ at: new Date(clock.now()).toISOString(), level, event, ...shown });
      lines.push(line);
      characters += line.length;
      if (lines.length <= logLinesMax && characters <= logCharactersMax) return;
      // A tenth at a time: the array is not moved for each line.
      const dropped = lines.splice(0, Math.ceil(lines.length / 10));
      characters -= dropped.reduce((sum, one) => sum + one.length, 0);
    },
    lines: (countMax) => lines.slice(-countMax),
    clear() {
      lines = [];
      characters = 0;
    },
  };
}

function shownOf(name: string, value: LogFacts[string]): readonly (readonly [string, unknown])[] {
  if (typeof value === 'string') return [[name, withoutNumbers(value)]];
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return [[name, value]];
  if (value === undefined) return [];
  if (!('code' in value)) return [[name, value.slice(0, 16).map(withoutNumbers)]];
  const { code, field } = value;
  return [[name, field === undefined ? { code } : { code, field: withoutNumbers(String(field)) }]];
}

/** The length of PANs begins at 12 digits (ISO/IEC 7812-1). */
const withoutNumbers = (text: string): string =>
  text.slice(0, textMax).replaceAll(/\d(?:[ -]?\d){11,}/g, (digits) => '*'.repeat(digits.length));
