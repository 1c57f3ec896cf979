import { Box, Text, useApp, useInput, useStdout } from 'ink';
import { useState, useSyncExternalStore } from 'react';
import { cardTexts, readerText } from '../commands/bridge-lines.ts';
import { type Console, cut, explain } from '../console/index.ts';
import { type Language, textsOf } from '../language/index.ts';
import type { BenchModel, BenchRow } from './bench-model.ts';

interface BenchProps {
  readonly model: BenchModel;
  readonly console: Console;
  readonly language: Language;
}

/** The workbench: every reader that is plugged in, and what lies in it, as it comes and goes. */
export function Bench({ model, console, language: first }: BenchProps) {
  const { rows, fault } = useSyncExternalStore(model.subscribe, model.state);
  const [language, setLanguage] = useState(first);
  const { exit } = useApp();
  const { stdout } = useStdout();
  const spoken: Console = { ...console, language, texts: textsOf(language), paint: (_tone, text) => text };
  const texts = spoken.texts.workshop;
  useInput((input, key) => {
    if (input === 'q' || key.escape || (key.ctrl && input === 'c')) exit();
    if (input === 'L') setLanguage((now) => (now === 'ja' ? 'en' : 'ja'));
  });
  // A stream that does not know its size is taken for a terminal of the usual one.
  const width = stdout.columns || 80;
  const height = stdout.rows || 24;
  const lines = rows.flatMap((row) => [
    { text: readerText(spoken, row.reader), isHead: true },
    ...slotTexts(spoken, row).map((text) => ({ text: `    ${text}`, isHead: false })),
  ]);
  const shown = lines.slice(0, Math.max(1, height - 3));
  return (
    <Box flexDirection="column" width={width}>
      <Text bold>{cut(`${texts.title}  ${texts.readers(rows.length)}`, width)}</Text>
      {fault !== undefined && (
        <Text color="red">{cut(`${fault.code}: ${explain(fault.code, language).says}`, width)}</Text>
      )}
      {rows.length === 0 && fault === undefined && <Text dimColor>{texts.noReaders}</Text>}
      {shown.map(({ text, isHead }, index) => (
        <Text key={index} bold={isHead}>
          {cut(text, width)}
        </Text>
      ))}
      <Text dimColor>{texts.keys}</Text>
    </Box>
  );
}

function slotTexts(console: Console, { slot }: BenchRow): readonly string[] {
  if (slot === undefined) return [];
  if (slot === 'empty') return [console.texts.workshop.slotEmpty];
  return 'code' in slot ? [`${slot.code}: ${explain(slot.code, console.language).says}`] : cardTexts(console, slot);
}
