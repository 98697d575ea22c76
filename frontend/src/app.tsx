import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider, useQueryClient } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useEffect } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { ApiError, OfflineError, setLoggedOutHandler } from '@/api/client';
import { forgetEarly } from '@/api/early';
import type { Id } from '@/domain/model';
import { EarlyImage, RoomOutline, useRoomMay } from '@/features/reading/early-image';
import type { Need, PageName } from '@/features/shell/not-yours';
import { afterFirstPaint } from '@/imaging/first-paint';
import { forgetAll } from '@/imaging/forget';
import { followLeftBehind } from '@/state/late-drafts';
import { startLive, stopLive } from '@/state/live';
import { forgetOwnKeys, loadOwnKeys } from '@/state/own-keys';
import { homeOf, SESSION_KEY, useCan, useSession } from '@/state/session';
import { text } from '@/text/en';
import { later, useLater } from '@/ui/later';
import { Notice } from '@/ui/primitives';
import { theme } from '@/ui/theme';

const shell = later(async () => (await import('@/features/shell/shell')).Shell);
const list = later(
  async () => (await import('@/features/worklist/worklist-page')).WorklistPage,
);

/** The code of what one goes to from a study. */
function bringList(): void {
  void Promise.all([shell.bring(), list.bring()]);
}

function Shell({ children }: { children: ReactNode }) {
  const Frame = useLater(shell);
  return <Frame>{children}</Frame>;
}

function WorklistPage() {
  const List = useLater(list);
  return <List />;
}

const LoginPage = lazy(() =>
  import('@/features/login/login-page').then((module) => ({ default: module.LoginPage })),
);
const NotYours = lazy(() =>
  import('@/features/shell/not-yours').then((module) => ({ default: module.NotYours })),
);
const PasswordPage = lazy(() =>
  import('@/features/account/password-form').then((module) => ({
    default: module.PasswordPage,
  })),
);

/** Its code is large: to run it takes longer than to draw the first image. */
const ReadingRoom = lazy(async () => {
  await afterFirstPaint();
  const module = await import('@/features/reading/reading-room');
  // At once: one may leave without a network, and what is unsaved goes along.
  bringList();
  return { default: module.ReadingRoom };
});
const AdminPage = lazy(() =>
  import('@/features/admin/admin-page').then((module) => ({ default: module.AdminPage })),
);
const IntakePage = lazy(() =>
  import('@/features/intake/intake-page').then((module) => ({
    default: module.IntakePage,
  })),
);
const TokensPage = lazy(() =>
  import('@/features/tokens/tokens-page').then((module) => ({
    default: module.TokensPage,
  })),
);

const NoticesPage = lazy(() =>
  import('@/features/notices/notices-page').then((module) => ({
    default: module.NoticesPage,
  })),
);
const NoticeSettingsPage = lazy(() =>
  import('@/features/notices/settings-page').then((module) => ({
    default: module.NoticeSettingsPage,
  })),
);
const SignedPage = lazy(() =>
  import('@/features/signed/signed-page').then((module) => ({
    default: module.SignedPage,
  })),
);

const DiscussionPage = lazy(() =>
  import('@/features/discussion/discussion-page').then((module) => ({
    default: module.DiscussionPage,
  })),
);

const CriticalPage = lazy(() =>
  import('@/features/critical/critical-page').then((module) => ({
    default: module.CriticalPage,
  })),
);

const client = new QueryClient({
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: false,
      retry: (count, error) => !(error instanceof ApiError) && count < 2,
    },
  },
});

function Opening() {
  return <output className="page-wait">{text.room.opening}</output>;
}

interface OnlyProps {
  readonly need: Need;
  readonly page: PageName;
  readonly children: ReactNode;
}

/** A page for those who have a permission; the others are told whose it is. */
function Only({ need, page, children }: OnlyProps) {
  return useCan()(need) ? children : <NotYours {...{ page, need }} />;
}

/** Where a person begins. */
function Home() {
  const home = homeOf(useCan());
  if (home === '/') {
    return (
      <Shell>
        <WorklistPage />
      </Shell>
    );
  }
  if (home !== null) return <Redirect to={home} replace />;
  return (
    <Shell>
      <h1 className="page-wait">{text.common.noPage}</h1>
    </Shell>
  );
}

function Room({ itemId }: { itemId: Id }) {
  const outline = <RoomOutline itemId={itemId} />;
  const roomMay = useRoomMay(itemId);
  return (
    <>
      <EarlyImage itemId={itemId} />
      {roomMay ? (
        <Suspense fallback={outline}>
          <ReadingRoom itemId={itemId} />
        </Suspense>
      ) : (
        outline
      )}
    </>
  );
}

function Reading({ itemId }: { itemId: Id }) {
  if (useCan()('study:pixels:read')) return <Room itemId={itemId} />;
  return (
    <Shell>
      <Suspense fallback={<Opening />}>
        <NotYours page="read" need="study:pixels:read" />
      </Suspense>
    </Shell>
  );
}

function Routes() {
  return (
    <Switch>
      <Route path="/">
        <Home />
      </Route>
      <Route path="/read/:item">
        {({ item }) => <Reading key={item} itemId={item} />}
      </Route>
      <Route path="/import/:id?">
        {({ id }) => (
          <Shell>
            <Suspense fallback={<Opening />}>
              <Only need="study:import" page="import">
                <IntakePage shown={id ?? null} />
              </Only>
            </Suspense>
          </Shell>
        )}
      </Route>
      <Route path="/notifications">
        <Shell>
          <Suspense fallback={<Opening />}>
            <NoticesPage />
          </Suspense>
        </Shell>
      </Route>
      <Route path="/notifications/settings">
        <Shell>
          <Suspense fallback={<Opening />}>
            <NoticeSettingsPage />
          </Suspense>
        </Shell>
      </Route>
      <Route path="/signed">
        <Shell>
          <Suspense fallback={<Opening />}>
            <Only need="reading:read" page="signed">
              <SignedPage />
            </Only>
          </Suspense>
        </Shell>
      </Route>
      <Route path="/critical">
        <Shell>
          <Suspense fallback={<Opening />}>
            <Only need="critical:read" page="critical">
              <CriticalPage />
            </Only>
          </Suspense>
        </Shell>
      </Route>
      <Route path="/discussion/:item">
        {({ item }) => (
          <Shell>
            <Suspense fallback={<Opening />}>
              <Only need="worklist:read" page="discussion">
                <DiscussionPage key={item} item={item} />
              </Only>
            </Suspense>
          </Shell>
        )}
      </Route>
      <Route path="/tokens">
        <Shell>
          <Suspense fallback={<Opening />}>
            <TokensPage />
          </Suspense>
        </Shell>
      </Route>
      <Route path="/admin/:tab?">
        {({ tab }) => (
          <Shell>
            <Suspense fallback={<Opening />}>
              <AdminPage tab={tab ?? null} />
            </Suspense>
          </Shell>
        )}
      </Route>
      <Route>
        <Redirect to="/" replace />
      </Route>
    </Switch>
  );
}

/** Begins something when the first image is on the screen; answers how to end it. */
function afterPaint(begin: () => void, end: () => void): () => void {
  let alive = true;
  void afterFirstPaint().then(() => {
    if (alive) begin();
  });
  return () => {
    alive = false;
    end();
  };
}

/** The live connection lasts as long as somebody is logged in, across all screens. */
function LoggedIn({ user }: { user: Id }) {
  const can = useCan();
  const mayRead = can('worklist:read');
  const mayWrite = can('reading:write');
  useEffect(() => (mayWrite ? followLeftBehind(user) : undefined), [mayWrite, user]);
  useEffect(() => {
    if (!mayRead) return;
    return afterPaint(startLive, stopLive);
  }, [mayRead]);
  useEffect(() => afterPaint(() => void loadOwnKeys(), forgetOwnKeys), []);
  useEffect(
    () => () => {
      forgetAll();
      forgetEarly();
    },
    [],
  );
  return <Routes />;
}

function Door() {
  const queries = useQueryClient();
  const { data, isPending, error, refetch } = useSession();
  useEffect(() => {
    setLoggedOutHandler(() => void queries.invalidateQueries({ queryKey: SESSION_KEY }));
  }, [queries]);
  if (isPending) return null;
  if (!data) {
    return (
      <div className="page-wait">
        <Notice
          kind="fail"
          title={error instanceof OfflineError ? text.login.offline : text.login.failed}
          actions={
            <button type="button" className="btn" onClick={() => void refetch()}>
              {text.common.retry}
            </button>
          }
        />
      </div>
    );
  }
  if (data.user?.must_change_password) return <PasswordPage />;
  return data.user ? <LoggedIn key={data.user.id} user={data.user.id} /> : <LoginPage />;
}

export function App() {
  return (
    <MantineProvider theme={theme} forceColorScheme="dark">
      <QueryClientProvider client={client}>
        <Suspense fallback={null}>
          <Door />
        </Suspense>
      </QueryClientProvider>
    </MantineProvider>
  );
}
