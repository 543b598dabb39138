/**
 * The tokens of the session. The access token (ten minutes) lives in this page's memory and nowhere else. The refresh
 * token (thirty days) is in a cookie that no script can read and that is sent to /auth alone: a script that found its
 * way into the page, against its policy, could not carry the session away, and a page that is closed while a new token is
 * on its way does not lose it, which matters because each works once.
 *
 * Storage holds one word: that somebody has logged in here, so that a first visit asks the server for nothing.
 */
import { addressOf } from "./base";
import { problemOf, unreachable } from "./problems";
import type { Schemas } from "./api";

export type LoggedIn = Schemas["LoggedIn"];
export type User = Schemas["User"];

const HINT = "photovault.logged-in";
/** Milliseconds before its end from which on a token is renewed ahead of a request. */
const MARGIN = 30_000;

let access: { token: string; until: number } | null = null;
let renewing: Promise<LoggedIn | null> | null = null;
/** Whose page this is; the cookie, which all tabs have, may be somebody else's by now. */
let person: string | null = null;
/** Counts those who have left: an answer that was on its way then is not taken up again. */
let left = 0;
let ended: (why: End) => void = () => {};

export type End = "ended" | "somebody else";

/** Whether a session may be there to be taken up. */
export function isRemembered(): boolean {
  return localStorage.getItem(HINT) !== null;
}

/** What to do when the session has ended (it was ended elsewhere, or ran out), or is somebody else's. */
export function onEnd(listener: (why: End) => void): void {
  ended = listener;
  globalThis.addEventListener?.("storage", ({ key }) => {
    if (key !== HINT && key !== null) return;
    if (isRemembered()) return;
    forget();
    ended("ended"); // somebody has logged out in another tab
  });
}

/** Take the tokens of an answer of sign-up, log-in or refresh. */
export function take(answer: LoggedIn): void {
  person = answer.user.id;
  access = { token: answer.access_token, until: Date.now() + answer.expires_in * 1000 };
  localStorage.setItem(HINT, "yes");
}

export function forget(): void {
  access = null;
  person = null;
  left += 1;
  localStorage.removeItem(HINT);
}

/** An access token that is good for now, renewed if need be; null when nobody is logged in. */
export async function current(): Promise<string | null> {
  if (access !== null && Date.now() < access.until - MARGIN) return access.token;
  if (!isRemembered()) return null;
  await restore();
  return access?.token ?? null;
}

/** The access token that comes after `spent`, which the server refused; null when the session has ended. */
export async function renew(spent: string): Promise<string | null> {
  if (access === null || access.token === spent) await restore();
  return access?.token ?? null;
}

/** Take up the session of the cookie, once however many ask for it; null when there is none. Throws `Problem`. */
export function restore(): Promise<LoggedIn | null> {
  renewing ??= exclusively(refreshed).finally(() => (renewing = null));
  return renewing;
}

async function refreshed(): Promise<LoggedIn | null> {
  const before = left;
  let response: Response;
  try {
    response = await fetch(addressOf("/auth/refresh"), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: "{}",
      keepalive: true, // goes on when the page is closed, so that the cookie is replaced
    });
  } catch {
    throw unreachable();
  }
  const answer = response.ok ? ((await response.json()) as LoggedIn) : null;
  if (before !== left) return null;
  if (response.status === 401) {
    forget();
    ended("ended");
    return null;
  }
  if (answer === null) throw await problemOf(response);
  if (person !== null && person !== answer.user.id) {
    // Somebody else has logged in, in another tab. Nothing that this page does or shows is theirs.
    access = null;
    ended("somebody else");
    return null;
  }
  take(answer);
  return answer;
}

/** One tab after another: the cookie is that of all of them, and sending it twice would end the session. */
async function exclusively<T>(work: () => Promise<T>): Promise<T> {
  if (!("locks" in navigator)) return work();
  return (await navigator.locks.request("photovault.refresh", work)) as T;
}
