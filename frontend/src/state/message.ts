let waiting: string | null = null;

/** Leaves a word for the screen that comes next. */
export function leaveMessage(message: string): void {
  waiting = message;
}

/** The word that was left, once. */
export function takeMessage(): string | null {
  const message = waiting;
  waiting = null;
  return message;
}
