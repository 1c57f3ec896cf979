import { PauseButton, SalesTable, useFeed } from '../parts/index.tsx';
import { t } from '../text/index.ts';

export function SalesPage() {
  const feed = useFeed(200);
  return (
    <main id="content">
      <section class="panel">
        <header>
          <h1>{t('feed.title')}</h1>
          <PauseButton feed={feed} />
        </header>
        <SalesTable lines={feed.shown.value} />
      </section>
    </main>
  );
}
