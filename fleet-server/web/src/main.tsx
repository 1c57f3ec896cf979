import type { Role } from '@tsunagu/protocols/fleet';
import { render } from 'preact';
import { LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { connect, isSignedIn, liveness } from './live.ts';
import { may, me, signOut } from './me.ts';
import { AccessPage } from './pages/access.tsx';
import { ApprovalsPage } from './pages/approvals.tsx';
import { AuditPage } from './pages/audit.tsx';
import { ExpiryPage } from './pages/expiry.tsx';
import { ProposeCampaignPage } from './pages/campaign-form.tsx';
import { CampaignPage, CampaignsPage } from './pages/campaigns.tsx';
import { ConfigurationPage } from './pages/configuration.tsx';
import { FleetPage } from './pages/fleet.tsx';
import { KeysPage } from './pages/keys.tsx';
import { LifePage } from './pages/life.tsx';
import { NegativePage } from './pages/negative.tsx';
import { SalesPage } from './pages/sales.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import { SwitchPage } from './pages/switch.tsx';
import { SwitchRulesPage } from './pages/switch-rules.tsx';
import { TerminalPage } from './pages/terminal.tsx';
import { ValidityPage } from './pages/validity.tsx';
import { WebhookPage } from './pages/webhook.tsx';
import { LivePill, NotLive } from './parts/index.tsx';
import { language, speak, t } from './text/index.ts';

const Nowhere = () => (
  <main id="content">
    <p class="panel pad">{t('page.unknown')}</p>
  </main>
);

/** Who is signed in. Where the line is short it is cut, and whole when pointed at. */
function Who({ subject, roles }: { readonly subject: string; readonly roles: readonly Role[] }) {
  const text = `${subject} (${roles.map((role) => t(`role.${role}`)).join(', ')})`;
  return (
    <span class="fill who quiet" data-testid="me" title={text}>
      {text}
    </span>
  );
}

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
            <a {...here('/switch', path.startsWith('/switch'))}>{t('nav.switch')}</a>
            <a {...here('/campaigns', path.startsWith('/campaigns'))}>{t('nav.campaigns')}</a>
            <a {...here('/approvals', path === '/approvals')}>{t('nav.approvals')}</a>
            <a {...here('/configuration', path === '/configuration')}>{t('nav.configuration')}</a>
            <a {...here('/negative', path === '/negative')}>{t('nav.negative')}</a>
            {me.value && <a {...here('/access', path.startsWith('/access'))}>{t('nav.access')}</a>}
            {may('audit.read') && <a {...here('/audit', path === '/audit')}>{t('nav.audit')}</a>}
            <a {...here('/keys', path === '/keys')}>{t('nav.keys')}</a>
            <a {...here('/life', path === '/life')}>{t('nav.life')}</a>
            <a {...here('/expiry', path === '/expiry')}>{t('nav.expiry')}</a>
          </nav>
        )}
        {!isSigningIn && me.value ? <Who {...me.value} /> : <span class="fill" />}
        {!isSigningIn && <LivePill />}
        {!isSigningIn && me.value && (
          <button type="button" class="quiet-button" data-testid="sign-out" onClick={() => void signOut()}>
            {t('nav.signOut')}
          </button>
        )}
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
        <Route path="/switch" component={SwitchPage} />
        <Route path="/switch/rules" component={SwitchRulesPage} />
        <Route path="/switch/validity" component={ValidityPage} />
        <Route path="/approvals" component={ApprovalsPage} />
        <Route path="/campaigns" component={CampaignsPage} />
        <Route path="/campaigns/new" component={ProposeCampaignPage} />
        <Route path="/campaigns/:id" component={CampaignPage} />
        <Route path="/configuration" component={ConfigurationPage} />
        <Route path="/negative" component={NegativePage} />
        <Route path="/access" component={AccessPage} />
        <Route path="/access/webhooks/:id" component={WebhookPage} />
        <Route path="/audit" component={AuditPage} />
        <Route path="/keys" component={KeysPage} />
        <Route path="/life" component={LifePage} />
        <Route path="/expiry" component={ExpiryPage} />
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
