import { stepDetail } from '@tsunagu/protocols/kernel-trace';
import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import { timelineLine } from '../commands/describe.ts';
import { describeSale, nextAfterSale } from '../commands/sale.ts';
import { describeTerminal } from '../commands/terminal.ts';
import { cut, explain, pad } from '../console/index.ts';
import type { Language, Texts } from '../language/index.ts';
import type { FleetState } from './fleet-model.ts';

interface TerminalViewProps {
  readonly texts: Texts;
  readonly language: Language;
  /** Time of day, milliseconds. */
  readonly now: number;
  readonly state: FleetState;
  readonly width: number;
  readonly height: number;
  /** The dialog, when one is open. */
  readonly children?: ReactNode;
}

/** One terminal: its facts, the test sale in hand, its timeline. */
export function TerminalView({ texts, language, now, state, width, height, children }: TerminalViewProps) {
  const { opened, job } = state;
  if (!opened?.detail) {
    return (
      <Box height={height}>
        <Text dimColor>{texts.tui.loading}</Text>
      </Box>
    );
  }
  const facts = describeTerminal(texts, now, opened.detail);
  const names: Readonly<Record<string, string>> = texts.steps;
  const steps = job?.steps ?? [];
  const next = job?.sale ? nextAfterSale(job.sale, language) : undefined;
  const saleHeight = job || state.saleRunning ? steps.length + (next === undefined ? 2 : 3) : 0;
  const timelineHeight = Math.max(0, height - facts.length - saleHeight - 2);
  return (
    <Box flexDirection="column" height={height} overflow="hidden">
      <Box flexDirection="column" flexShrink={1} overflow="hidden">
        {facts.map(([label, value]) => (
          <Box key={label} flexShrink={0}>
            <Text wrap="truncate">
              <Text dimColor>{pad(label, 30)}</Text>
              {cut(value, width - 30)}
            </Text>
          </Box>
        ))}
      </Box>
      {children}
      {!children && saleHeight > 0 && (
        <Box flexDirection="column" flexShrink={0} marginTop={1}>
          {steps.map((step) => (
            <Text key={step.step} wrap="truncate">
              {pad(`${Math.round(step.atMs)} ms`, 9, true)} {names[step.step] ?? step.step}
              <Text dimColor>{step.detail ? `  ${stepDetail(step.detail, language)}` : ''}</Text>
            </Text>
          ))}
          {job?.sale ? (
            <Text bold color={job.sale.outcome === 'approved' ? 'green' : 'yellow'}>
              {describeSale({ texts, language }, job.sale)}
            </Text>
          ) : job?.fault ? (
            <Text bold color="red" wrap="truncate">{`${job.fault}: ${explain(job.fault, language).says}`}</Text>
          ) : (
            <Text dimColor>{texts.tui.saleRunning}</Text>
          )}
          {next !== undefined && <Text>{`${texts.next} ${next}`}</Text>}
        </Box>
      )}
      {!children && timelineHeight > 1 && (
        // What happened and what to do next may take more than a line: the timeline makes room for it.
        <Box flexDirection="column" flexShrink={1_000} marginTop={1} overflow="hidden">
          <Text bold>{texts.detail.timeline}</Text>
          {opened.timeline.slice(0, timelineHeight - 1).map((entry) => (
            <Text key={entry.id} wrap="truncate">
              {cut(timelineLine(texts, entry), width)}
            </Text>
          ))}
        </Box>
      )}
    </Box>
  );
}
