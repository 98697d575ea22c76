import { headStart, isRoom } from '@/features/reading/head-start';

const { pathname } = window.location;

function start(): void {
  void import('./start');
  // The first image needs nothing of it.
  if (isRoom(pathname)) return;
  void import('@/features/shell/shell');
  void import('@/features/worklist/worklist-page');
}

// This much is small and runs at once; the application comes beside the answers.
headStart(pathname);
if (document.readyState === 'loading') addEventListener('DOMContentLoaded', start);
else start();
