import type { ComponentChildren } from 'preact';
import { t, type TextKey } from '../text/index.ts';

/** What stands at the head of a column, and how the column is shown; `false` where there is none. */
export type Head = TextKey | { readonly text: TextKey; readonly as: 'number' | 'wide' } | false;

/**
 * A table that scrolls by itself where the screen is narrow.
 *
 * @param title id of the heading that names it
 */
export const Table = ({
  id,
  title,
  heads,
  children,
}: {
  id: string;
  title: string;
  heads: readonly Head[];
  children: ComponentChildren;
}) => (
  <div class="scroll" tabIndex={0} role="group" aria-labelledby={title}>
    <table data-testid={id}>
      <thead>
        <tr>
          {heads.map((head) =>
            head === false ? null : typeof head === 'string' ? (
              <th key={head} scope="col">
                {t(head)}
              </th>
            ) : (
              <th key={head.text} scope="col" class={head.as}>
                {t(head.text)}
              </th>
            ),
          )}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
);
