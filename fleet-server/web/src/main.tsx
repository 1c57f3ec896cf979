import { render } from 'preact';
import { LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { connect, isSignedIn, liveness } from './live.ts';
import { ConfigurationPage } from './pages/configuration.tsx';
import { FleetPage } from './pages/fleet.tsx';
import { NegativePage } from './pages/negative.tsx';
import { SalesPage } from './pages/sales.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import { TerminalPage } from './pages/terminal.tsx';
import { LivePill, NotLive } from './parts/index.tsx';
import { language, speak, t } from './text/index.ts';

const Nowhere = () => (
  <main id="content">
    <p class="panel pad">{t('page.unknown')}</p>
  </main>
);

function Page() {
  const { path, route } = useLocation();
  const isSigningIn = path === '/sign-in';
  useEffect(() => {
    if (isSigningIn) return;
    if (isSignedIn.value === false) route('/sign-in', true);
    else connect();
  }, [isSigningIn, isSignedIn.value]);

  const here = (to: string, isHere: boolean) => ({ href: to, 'aria-current': isHere ? ('page' as const) : undefined });
  return (
    <div class="page" data-live={isSigningIn ? 'live' : liveness.value}>
      <a class="skip" href="#content">
        {t('nav.skip')}
      </a>
      <header class="bar">
        <a href="/" class="brand">
          <img src="/icon.svg" alt="" width="28" height="28" />
          <span>Tsunagu</span>
        </a>
        {!isSigningIn && (
          <nav aria-label={t('nav.main')}>
            <a {...here('/', path === '/' || path.startsWith('/terminals'))}>{t('nav.fleet')}</a>
            <a {...here('/sales', path === '/sales')}>{t('nav.sales')}</a>
            <a {...here('/configuration', path === '/configuration')}>{t('nav.configuration')}</a>
            <a {...here('/negative', path === '/negative')}>{t('nav.negative')}</a>
          </nav>
        )}
        <span class="fill" />
        {!isSigningIn && <LivePill />}
        <button
          type="button"
          class="quiet-button"
          lang={language.value === 'ja' ? 'en' : 'ja'}
          data-testid="language"
          onClick={() => speak(language.value === 'ja' ? 'en' : 'ja')}
        >
          {t('language.other')}
        </button>
      </header>
      {!isSigningIn && <NotLive />}
      <Router>
        <Route path="/" component={FleetPage} />
        <Route path="/sales" component={SalesPage} />
        <Route path="/configuration" component={ConfigurationPage} />
        <Route path="/negative" component={NegativePage} />
        <Route path="/terminals/:serial" component={TerminalPage} />
        <Route path="/sign-in" component={SignInPage} />
        <Route default component={Nowhere} />
      </Router>
    </div>
  );
}

const root = document.getElementById('app');
if (root)
  render(
    <LocationProvider>
      <Page />
    </LocationProvider>,
    root,
  );
