import type { LogFacts, LogLevel } from '@tsunagu/protocols/world';

/** How deep the causes of a fault are followed. */
const causesMax = 4;

/**
 * One log line as JSON: level, time, event, facts. Secrets print as their kind; of exceptions only name, code and message
 * are kept, and of a fault its code, place, facts and cause.
 */
export function logLine(time: number, level: LogLevel, event: string, facts: LogFacts): string {
  const shown = Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, show(value, 0)]));
  return `${JSON.stringify({ level, time: new Date(time).toISOString(), event, ...shown })}\n`;
}

function show(value: unknown, depth: number): unknown {
  if (value instanceof Error) {
    const code = 'code' in value && typeof value.code === 'string' ? value.code : undefined;
    return { name: value.name, ...(code !== undefined && { code }), message: value.message.slice(0, 300) };
  }
  if (!isFault(value)) return value;
  const { cause, ...rest } = value;
  return { ...rest, ...(cause !== undefined && depth < causesMax && { cause: show(cause, depth + 1) }) };
}

const isFault = (value: unknown): value is { code: string; cause?: unknown } =>
  typeof value === 'object' && value !== null && 'code' in value;
