import type { ComponentChildren } from 'preact';
import { t, type TextKey } from '../text/index.ts';
import { type Growing, More } from './growing.tsx';
import { Alert } from './index.tsx';
import { type Head, Table } from './table.tsx';

/**
 * A list that grows, as a table: what went wrong, what is said where there is nothing, a row an entry, and the button for more.
 *
 * @param title id of the heading that names it
 * @param name what the button for more is about
 */
export const Listed = <Entry,>({
  list,
  id,
  title,
  name,
  none,
  heads,
  children,
}: {
  list: Growing<Entry>;
  id: string;
  title: string;
  name: TextKey;
  none: TextKey;
  heads: readonly Head[];
  children: (entry: Entry) => ComponentChildren;
}) => {
  const entries = list.entries.value;
  return (
    <>
      <Alert text={list.fault.value} />
      {entries?.length === 0 && <p class="quiet pad">{t(none)}</p>}
      {entries !== undefined && entries.length > 0 && (
        <Table id={id} title={title} heads={heads}>
          {entries.map(children)}
        </Table>
      )}
      <More list={list} name={t(name)} />
    </>
  );
};
