/** The portal's answer to a request that it did not carry out. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    code: string,
    detail: string,
    body: Record<string, unknown>,
  ) {
    super(detail);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.body = body;
  }
}

/** No answer came: the network, the portal or the way between is down. */
export class OfflineError extends Error {
  constructor() {
    super('offline');
    this.name = 'OfflineError';
  }
}

export interface Answer<T> {
  readonly data: T;
  readonly status: number;
  readonly etag: string | null;
}

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  /** A body of plain bytes, instead of JSON. */
  readonly bytes?: ArrayBuffer;
  /** Where in its file the plain bytes belong. */
  readonly offset?: number;
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
  /** Lets a save finish although the page is being left. */
  readonly keepalive?: boolean;
}

let csrfToken = '';
let onLoggedOut: () => void = () => undefined;

export function setCsrfToken(token: string): void {
  csrfToken = token;
}

const TOKEN_COOKIE = 'overread_csrf';

/**
 * Takes the token that the portal left in this browser, until the session's answer
 * brings its own.
 *
 * @returns whether there is one.
 */
export function borrowToken(): boolean {
  const found = document.cookie
    .split('; ')
    .find((one) => one.startsWith(`${TOKEN_COOKIE}=`));
  if (found) csrfToken = found.slice(TOKEN_COOKIE.length + 1);
  return found !== undefined;
}

/** Tells that the session has ended, heard from elsewhere than a request. */
export function tellLoggedOut(): void {
  onLoggedOut();
}

/** Called when the portal says that this browser is no longer logged in. */
export function setLoggedOutHandler(handler: () => void): void {
  onLoggedOut = handler;
}

function headersOf(options: RequestOptions): Headers {
  const headers = new Headers({ Accept: 'application/json' });
  if (options.body !== undefined) headers.set('Content-Type', 'application/json');
  if (options.bytes) headers.set('Content-Type', 'application/octet-stream');
  if (options.offset !== undefined) headers.set('Upload-Offset', `${options.offset}`);
  if (options.ifMatch !== undefined) headers.set('If-Match', `"${options.ifMatch}"`);
  if ((options.method ?? 'GET') !== 'GET') headers.set('X-CSRFToken', csrfToken);
  return headers;
}

function bodyOf({ body, bytes }: RequestOptions): Pick<RequestInit, 'body'> {
  if (bytes) return { body: bytes };
  return body === undefined ? {} : { body: JSON.stringify(body) };
}

async function send(path: string, options: RequestOptions): Promise<Response> {
  const init: RequestInit = {
    method: options.method ?? 'GET',
    headers: headersOf(options),
    credentials: 'same-origin',
    keepalive: options.keepalive ?? false,
    ...bodyOf(options),
    ...(options.signal ? { signal: options.signal } : {}),
  };
  try {
    return await fetch(`/api/${path}`, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new OfflineError();
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  const body = await response.json().catch(() => ({}));
  const fields: Record<string, unknown> =
    body && typeof body === 'object' ? { ...body } : {};
  const code = typeof fields['code'] === 'string' ? fields['code'] : `${response.status}`;
  const detail = typeof fields['detail'] === 'string' ? fields['detail'] : '';
  return new ApiError(response.status, code, detail, fields);
}

/** Answers that mean "the portal is not there", not "the portal says no". */
function isAway({ status, code }: ApiError): boolean {
  return status === 502 || status === 504 || (status === 503 && code === 'down');
}

/** One request to the portal; refusals throw `ApiError`, silence `OfflineError`. */
export async function request<T>(
  path: string,
  options: RequestOptions = {},
): Promise<Answer<T>> {
  const response = await send(path, options);
  if (!response.ok) {
    const error = await errorOf(response);
    if (isAway(error)) throw new OfflineError();
    if (response.status === 401 && path !== 'session') onLoggedOut();
    throw error;
  }
  const data = response.status === 204 ? undefined : await response.json();
  return {
    data: data as T,
    status: response.status,
    etag: response.headers.get('ETag')?.replace(/^W\//, '').replaceAll('"', '') ?? null,
  };
}
